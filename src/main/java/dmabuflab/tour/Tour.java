// SPDX-License-Identifier: Apache-2.0
package dmabuflab.tour;

import dmabuflab.scenario.Demonstration;
import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.Testbed;
import java.io.PrintWriter;
import java.util.List;
import java.util.function.BooleanSupplier;

/** The story of PFN sharing, in one guest: each chapter explains, does, and shows that it is so. */
public final class Tour {
    private static final List<Chapter> CHAPTERS =
            List.of(
                    new Export(),
                    new Query(),
                    new PageFault(),
                    new IoMapping(),
                    new Revoke(),
                    new Unrevoke(),
                    new Rdma(),
                    new End());

    private static final String INTRODUCTION =
            """
            Sharing memory by page frame number
            ===================================

            A Linux guest has been started in QEMU for this tour, and ends with it. What
            follows guest:/# can be typed in ./lab shell too, which has the same devices.
            Below it is the agent's answer, shortened, if it says more than ok; then what
            was seen, and by whom:

              kernel answer   what a system call said
              kernel events   the kernel's trace
              hardware        where QEMU decodes the BAR, which DMA it refused; and page
                              tables in guest memory, read by the host
              memory          the file behind the BAR, read by the host

            Where that is not what the text says, the tour stops: try it with --mutant.
            PQ4 and the like are rules of the contract, see ./lab rules PQ4.
            """;

    private final PrintWriter out;
    private final BooleanSupplier goesOn;
    private int begun;

    private Tour(PrintWriter out, BooleanSupplier goesOn) {
        this.out = out;
        this.goesOn = goesOn;
    }

    /**
     * Gives the tour.
     *
     * @param goesOn is asked before each chapter; the tour ends in good order when it says no
     * @return what came of it; {@code out} has been told
     */
    public static Demonstration give(LabOptions options, PrintWriter out, BooleanSupplier goesOn) {
        Tour tour = new Tour(out, goesOn);
        Demonstration given = Demonstration.of(options, "tour", Desk.DEVICES, tour::through);
        tour.conclude(given);
        return given;
    }

    private void through(Testbed bed) {
        bed.requireSeries("what this tour is about");
        out.print(INTRODUCTION);
        out.flush();
        Narrator narrator = new Narrator(out, bed.agent());
        Desk desk = new Desk(bed);
        for (Chapter chapter : CHAPTERS) {
            out.println();
            out.flush();
            if (!goesOn.getAsBoolean()) {
                return;
            }
            begun++;
            out.println(heading(chapter));
            out.println("-".repeat(heading(chapter).length()));
            chapter.tell(desk, narrator);
        }
    }

    private String heading(Chapter chapter) {
        return "%d of %d  %s".formatted(begun, CHAPTERS.size(), chapter.title());
    }

    private void conclude(Demonstration given) {
        if (given.outcome().isRed()) {
            out.println();
            out.println(
                    begun == 0
                            ? "The tour has not begun."
                            : "The tour stops in chapter " + heading(CHAPTERS.get(begun - 1)));
            out.println(given.outcome().label() + ", " + given.message());
        } else if (begun == CHAPTERS.size()) {
            out.println();
            out.println("All was as explained. Where to go from here:");
            out.println();
            out.println("  ./lab shell   the same guest with a prompt; labctl help");
            out.println("  ./lab tour --mutant kernel-config/mutants/notify-before-flag.patch");
            out.println(
                    "                on a kernel with a deliberate defect: where does it stop?");
            out.println("  ./lab run     what was shown, and much more of it, as scenarios:");
            for (Chapter chapter : CHAPTERS) {
                out.printf(
                        "    chapter %d   ./lab run %s%n",
                        CHAPTERS.indexOf(chapter) + 1, String.join(" ", chapter.selectors()));
            }
        }
        out.flush();
    }

    /** What the tour says that {@code ./lab run} takes. */
    public static List<String> selectors() {
        return CHAPTERS.stream().flatMap(chapter -> chapter.selectors().stream()).toList();
    }
}
