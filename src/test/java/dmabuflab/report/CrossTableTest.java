// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.report.Cell.Heading;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CrossTableTest {
    private static final Heading KVM = new Heading(0, "kvm");
    private static final Heading GPU = new Heading(10, "gpu");
    private static final Heading PINNED = new Heading(0, "pinned");
    private static final Heading DYNAMIC = new Heading(2, "dynamic");
    private static final Heading MOVE = new Heading(0, "move");
    private static final Heading END = new Heading(3, "end");

    @Test
    void casesStandInTheOrderOfTheirHeadingsWithTheirVerdicts() {
        String text =
                CrossTable.of(
                        run(
                                result("M.x[a]", Outcome.FAILED, GPU, DYNAMIC, MOVE, "follows"),
                                result("M.x[b]", Outcome.PASSED, GPU, PINNED, MOVE, "a|b"),
                                result("M.x[c]", Outcome.PASSED, KVM, PINNED, END, "stays"),
                                result("M.x[d]", Outcome.SKIPPED, KVM, PINNED, MOVE, "stays")));

        assertThat(text)
                .startsWith(
                        """
                        ## M.x

                        what M.x[a] shows

                        |       | pinned             |         | dynamic             |
                        |-------|--------------------|---------|---------------------|
                        |       | move               | end     | move                |
                        | `kvm` | stays: **skipped** | stays + | -                   |
                        | `gpu` | a\\|b +             | -       | follows: **failed** |

                        """);
    }

    @Test
    void eachScenarioHasATableOfItsOwnAndOthersHaveNone() {
        String text =
                CrossTable.of(
                        run(
                                SampleRun.scenario("A.a", List.of(), Outcome.PASSED, "", 1, null),
                                result("B.b[x]", Outcome.PASSED, GPU, DYNAMIC, MOVE, "follows"),
                                result("C.c[x]", Outcome.PASSED, GPU, DYNAMIC, MOVE, "stays")));

        assertThat(text.lines().filter(line -> line.startsWith("##")))
                .containsExactly("## B.b", "## C.c");
        assertThat(CrossTable.of(SampleRun.in(Path.of("report")))).isEmpty();
    }

    private static ScenarioResult result(
            String id, Outcome outcome, Heading row, Heading upper, Heading lower, String what) {
        ScenarioResult result = SampleRun.scenario(id, List.of(), outcome, "", 1, null);
        return SampleRun.with(new Cell(row, List.of(upper, lower), what), result);
    }

    private static RunResult run(ScenarioResult... results) {
        return new RunResult(
                Instant.EPOCH, Duration.ZERO, Map.of(), List.of(results), Path.of("report"));
    }
}
