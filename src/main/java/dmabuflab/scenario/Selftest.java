// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.GuestHung;
import dmabuflab.guest.Program;
import dmabuflab.guest.Program.Ended;
import dmabuflab.host.Disk;
import dmabuflab.report.Outcome;
import dmabuflab.witness.SelftestLog;
import dmabuflab.witness.SelftestLog.Case;
import dmabuflab.witness.SelftestLog.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;

/**
 * One of the kernel's own selftests, or one like them, run in a scenario's guest and judged case by
 * case.
 */
final class Selftest {
    /**
     * On the machine where limits were chosen. The longest program is iommufd on a kernel with
     * KASAN and lockdep, at eleven minutes: these slow down what a program does in the kernel
     * several times as much as the boot, by which a guest's speed is measured.
     */
    private static final Duration LIMIT = Duration.ofMinutes(12);

    /** What a selftest ends with that could not run here; see kselftest.h. */
    private static final long SKIPPED = 4;

    private static final Pattern TAP_VERSION = Pattern.compile("(?m)^K?TAP version \\d+$");
    private static final Pattern USAGE = Pattern.compile("[Uu]sage: ");

    private final Testbed bed;
    private final Path artefacts;

    /**
     * @param artefacts where to keep what it prints
     */
    Selftest(Testbed bed, Path artefacts) {
        this.bed = bed;
        this.artefacts = artefacts;
    }

    /** Runs one of the kernel's to its end or its limit. */
    Ended run(Lab lab, String program, String... arguments) {
        Path file = lab.selftests().resolve(program);
        if (!Files.exists(file)) {
            Assumptions.abort("the source of this kernel has no selftest " + program);
        }
        // Selftests map and unmap all the time, and nobody reads what is traced of it.
        bed.trace().stop();
        return run(file, List.of(arguments));
    }

    /** Runs a program to its end or its limit; what it printed is kept. */
    Ended run(Path file, List<String> arguments) {
        double scale = bed.guest().scale().factor();
        Duration limit = Duration.ofMillis((long) (LIMIT.toMillis() * scale));
        Ended ended = Program.send(bed.agent(), file).run(arguments, limit);
        keep(artefacts.resolve(file.getFileName() + ".log"), ended.output());
        if (ended.timedOut()) {
            bed.guest().showBlockedTasks();
        }
        return ended;
    }

    private static void keep(Path file, String output) {
        try {
            Files.writeString(file, output);
        } catch (IOException e) {
            throw Disk.failure("cannot keep what a test has printed", file, e);
        }
    }

    /**
     * Makes each case a part of the scenario, and judges the program as a whole.
     *
     * @throws AssertionError when a case failed, or the program did less than it planned or claims
     * @throws GuestHung when it had to be killed
     */
    static void judge(Ended ended, List<Part> parts) {
        SelftestLog log = SelftestLog.of(ended.output());
        for (Case each : log.cases()) {
            parts.add(
                    new Part(parts.size() + 1, each.name(), outcome(each.result()), each.reason()));
        }
        if (ended.timedOut()) {
            throw new GuestHung(
                    "the selftest was still running after "
                            + ended.elapsed().toMillis()
                            + " ms and "
                            + cases(log));
        }
        boolean silent = log.cases().isEmpty() && log.defects().isEmpty();
        if (silent && ended.status().orElse(-1) == SKIPPED) {
            String why = log.skip().isEmpty() ? lastLine(ended.output()) : log.skip();
            Assumptions.abort("skipped by the selftest: " + why);
        }
        List<String> problems = problems(log, ended);
        List<String> failed =
                parts.stream()
                        .filter(part -> part.outcome() == Outcome.FAILED)
                        .map(Part::name)
                        .toList();
        if (!failed.isEmpty()) {
            problems.add(failed.size() + " of " + cases(log) + " failed:");
            problems.addAll(failed);
        }
        if (!problems.isEmpty()) {
            throw new AssertionError(String.join("\n", problems));
        }
    }

    /**
     * Makes a program that prints no TAP one part of the scenario. If it prints TAP after all it is
     * judged by that.
     *
     * @throws AssertionError when it did not end with 0, or only explained its options
     * @throws GuestHung when it had to be killed
     */
    static void judgeWithoutTap(String name, Ended ended, List<Part> parts) {
        SelftestLog log = SelftestLog.of(ended.output());
        if (speaksTap(log, ended.output())) {
            judge(ended, parts);
            return;
        }
        if (ended.timedOut()) {
            throw new GuestHung(
                    "the selftest was still running after "
                            + ended.elapsed().toMillis()
                            + " ms; its last words: "
                            + lastLine(ended.output()));
        }
        String assertion = SelftestLog.assertion(ended.output());
        long status = ended.status().orElse(-1);
        // KVM's selftests end with this also when an assertion failed and errno is EACCES.
        if (status == SKIPPED && assertion.isEmpty()) {
            String why = log.skip().isEmpty() ? lastLine(ended.output()) : log.skip();
            Assumptions.abort("skipped by the selftest: " + why);
        }
        List<String> problems = new ArrayList<>();
        if (ended.status().isEmpty()) {
            problems.add("it died of SIG" + ended.signal());
        } else if (status != 0) {
            problems.add("its exit status is " + status);
        } else if (ended.output().lines().anyMatch(line -> USAGE.matcher(line).lookingAt())) {
            problems.add("it explained its options and did nothing");
        }
        if (!assertion.isEmpty()) {
            problems.add(assertion);
        } else if (!problems.isEmpty()) {
            problems.add("its last words: " + lastLine(ended.output()));
        }
        String why = String.join("\n", problems);
        Outcome outcome = problems.isEmpty() ? Outcome.PASSED : Outcome.FAILED;
        parts.add(new Part(parts.size() + 1, name, outcome, why));
        if (!problems.isEmpty()) {
            throw new AssertionError(why);
        }
    }

    /** One that came to no case yet has promised some. */
    private static boolean speaksTap(SelftestLog log, String output) {
        return !log.cases().isEmpty()
                || log.plan().isPresent()
                || !log.defects().isEmpty()
                || TAP_VERSION.matcher(output).find();
    }

    /** Why the program cannot be believed, or not alone. */
    private static List<String> problems(SelftestLog log, Ended ended) {
        List<String> problems = new ArrayList<>(log.defects());
        if (ended.status().isEmpty()) {
            problems.add("it died of SIG" + ended.signal() + " after " + cases(log));
        }
        long status = ended.status().orElse(0);
        if (status != 0 && log.count(Result.FAILED) == 0) {
            problems.add("its exit status is " + status + " though no case failed");
        } else if (status == 0 && ended.status().isPresent() && log.count(Result.FAILED) > 0) {
            problems.add("its exit status is 0 though cases failed");
        }
        if (log.count(Result.PASSED) + log.count(Result.FAILED) == 0) {
            problems.add("no case was executed; it said: " + lastLine(ended.output()));
        }
        return problems;
    }

    private static String cases(SelftestLog log) {
        return log.cases().size() + " cases";
    }

    private static Outcome outcome(Result result) {
        return switch (result) {
            case PASSED -> Outcome.PASSED;
            case FAILED -> Outcome.FAILED;
            case SKIPPED, XFAILED -> Outcome.SKIPPED;
        };
    }

    private static String lastLine(String output) {
        return output.lines()
                .filter(line -> !line.isBlank())
                .reduce((first, second) -> second)
                .map(String::strip)
                .orElse("nothing");
    }
}
