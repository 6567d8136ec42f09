// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MutantFindingTest {
    @Test
    void redOnesKillItWhateverElseWentWrong() {
        MutantFinding finding = MutantFinding.of(SampleRun.in(Path.of("report")));

        assertThat(finding.isKilled()).isTrue();
        assertThat(finding.undecided()).isEmpty();
        assertThat(finding.red())
                .containsOnlyKeys(
                        "KUnit.suite[dma_buf #1]", "Revoke.byMemoryEnable", "Revoke.byReset")
                .containsEntry("Revoke.byReset", Outcome.CRASHED);
    }

    @Test
    void itHasSurvivedOnlyWhatRan() {
        ScenarioResult passed = SampleRun.scenario("A.a", List.of(), Outcome.PASSED, "", 1, null);
        ScenarioResult broken =
                SampleRun.scenario(
                        "A.b", List.of(), Outcome.INFRASTRUCTURE, "QEMU is gone\nwhy", 1, null);

        assertThat(MutantFinding.of(run(passed)).hasSurvived()).isTrue();
        MutantFinding undecided = MutantFinding.of(run(passed, broken));
        assertThat(undecided.undecided()).isEqualTo("QEMU is gone");
        assertThat(undecided.hasSurvived()).isFalse();
        assertThat(undecided.isKilled()).isFalse();
    }

    @Test
    void whatOnlySkipsSaysNothing() {
        ScenarioResult passed = SampleRun.scenario("A.a", List.of(), Outcome.PASSED, "", 1, null);
        ScenarioResult skipped =
                SampleRun.scenario("A.b", List.of(), Outcome.SKIPPED, "no lockdep", 1, null);

        assertThat(MutantFinding.of(run(skipped)).undecided()).isEqualTo("no lockdep");
        assertThat(MutantFinding.of(run(skipped, passed)).hasSurvived()).isTrue();
    }

    @Test
    void twoRunsSayWhatEitherSays() {
        MutantFinding red = MutantFinding.of(SampleRun.in(Path.of("report")));
        MutantFinding undecided = MutantFinding.undecided("did not boot");
        MutantFinding survived = MutantFinding.unnoticed();

        assertThat(survived.and(red).red()).isEqualTo(red.red());
        assertThat(red.and(undecided).isKilled()).isTrue();
        assertThat(red.and(undecided).undecided()).isEmpty();
        assertThat(survived.and(undecided).undecided()).isEqualTo("did not boot");
        assertThat(survived.and(survived).hasSurvived()).isTrue();
    }

    private static RunResult run(ScenarioResult... results) {
        return new RunResult(
                Instant.EPOCH, Duration.ZERO, Map.of(), List.of(results), Path.of("report"));
    }
}
