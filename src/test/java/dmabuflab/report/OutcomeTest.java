// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import static dmabuflab.report.Outcome.CRASHED;
import static dmabuflab.report.Outcome.FAILED;
import static dmabuflab.report.Outcome.HUNG;
import static dmabuflab.report.Outcome.INFRASTRUCTURE;
import static dmabuflab.report.Outcome.PASSED;
import static dmabuflab.report.Outcome.SKIPPED;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class OutcomeTest {
    @Test
    void worst() {
        assertThat(Outcome.worst(List.of(PASSED, SKIPPED))).isEqualTo(PASSED);
        assertThat(Outcome.worst(List.of(SKIPPED, SKIPPED))).isEqualTo(SKIPPED);
        assertThat(Outcome.worst(List.of(PASSED, INFRASTRUCTURE))).isEqualTo(INFRASTRUCTURE);
        assertThat(Outcome.worst(List.of(INFRASTRUCTURE, FAILED))).isEqualTo(FAILED);
        assertThat(Outcome.worst(List.of(FAILED, CRASHED, HUNG))).isEqualTo(CRASHED);
        assertThat(Outcome.worst(List.of())).isEqualTo(SKIPPED);
    }

    @Test
    void exitStatus() {
        assertThat(exitStatusOf(PASSED, SKIPPED)).isZero();
        assertThat(exitStatusOf(PASSED, FAILED)).isEqualTo(1);
        assertThat(exitStatusOf(PASSED, CRASHED)).isEqualTo(1);
        assertThat(exitStatusOf(PASSED, HUNG)).isEqualTo(1);
        assertThat(exitStatusOf(PASSED, INFRASTRUCTURE)).isEqualTo(3);
        assertThat(exitStatusOf(PASSED, INFRASTRUCTURE, FAILED)).isEqualTo(1);
        assertThat(exitStatusOf()).as("nothing ran").isEqualTo(3);
    }

    private static int exitStatusOf(Outcome... outcomes) {
        List<ScenarioResult> scenarios =
                Stream.of(outcomes)
                        .map(o -> SampleRun.scenario("A.b", List.of(), o, "", 1, null))
                        .toList();
        return new RunResult(Instant.EPOCH, Duration.ZERO, Map.of(), scenarios, Path.of("r"))
                .exitStatus();
    }
}
