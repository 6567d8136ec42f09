// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import static dmabuflab.report.Outcome.CRASHED;
import static dmabuflab.report.Outcome.FAILED;
import static dmabuflab.report.Outcome.INFRASTRUCTURE;
import static dmabuflab.report.Outcome.PASSED;
import static dmabuflab.report.Outcome.SKIPPED;
import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.report.Outcome;
import dmabuflab.report.ScenarioResult;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What CI servers are told of a validation. */
class ValidationResultsTest {
    @Test
    void eachJudgementHasItsOutcome() {
        Validation so = SampleValidation.everyJudgement();
        assertThat(outcomes(so))
                .containsEntry("A.regressed", CRASHED)
                .containsEntry("A.fixed", PASSED)
                .containsEntry("A.newlyPossible", PASSED)
                .containsEntry("A.noLongerPossible", SKIPPED)
                .containsEntry("A.flaky", SKIPPED)
                .containsEntry("A.broken", INFRASTRUCTURE)
                .containsEntry("A.green", PASSED)
                .containsEntry("A.redOnBoth", FAILED)
                .containsEntry("A.nowhere", SKIPPED);
        assertThat(ValidationResults.redOnBoth(so)).containsExactly("A.redOnBoth");
        assertThat(message(so, "A.regressed"))
                .startsWith("regressed: base passed 2 of 2; head failed 1 of 2, crashed 1 of 2;")
                .contains("; since 2/3 vfio: Two\n", "expected: 1");
        assertThat(message(so, "A.green")).isEmpty();
    }

    @Test
    void eachPatchHasItsSteps() {
        assertThat(outcomes(SampleValidation.everyJudgement()))
                .containsEntry("patch 1/3.applies", PASSED)
                .containsEntry("patch 1/3.builds", PASSED)
                .containsEntry("patch 1/3.boots", PASSED)
                .containsEntry("patch 2/3.builds", FAILED)
                .containsEntry("patch 2/3.boots", SKIPPED)
                .containsEntry("patch 3/3.builds", PASSED)
                .containsEntry("patch 3/3.boots", FAILED);
    }

    @Test
    void aConflictIsThatOfOnePatch() {
        Validation so = SampleValidation.conflictIn(2);
        assertThat(outcomes(so))
                .containsEntry("patch 1/3.applies", PASSED)
                .containsEntry("patch 2/3.applies", FAILED)
                .containsEntry("patch 3/3.applies", SKIPPED)
                .containsEntry("patch 1/3.builds", SKIPPED)
                .containsEntry("validation.finished", PASSED);
        assertThat(message(so, "patch 2/3.applies")).contains("hunk 1 of 1");
    }

    @Test
    void oneThatWasCutOffIsNeverGreen() {
        Validation so = SampleValidation.cutOff();
        assertThat(outcomes(so))
                .containsEntry("validation.finished", INFRASTRUCTURE)
                .containsEntry("patch 2/3.applies", SKIPPED);
        assertThat(message(so, "validation.finished")).contains("it was ended");
        assertThat(ValidationResults.of(so).exitStatus()).isEqualTo(3);
    }

    private static Map<String, Outcome> outcomes(Validation so) {
        Map<String, Outcome> outcomes = new LinkedHashMap<>();
        ValidationResults.of(so).scenarios().forEach(r -> outcomes.put(r.id(), r.outcome()));
        return outcomes;
    }

    private static String message(Validation so, String id) {
        List<ScenarioResult> all = ValidationResults.of(so).scenarios();
        return all.stream().filter(r -> r.id().equals(id)).findFirst().orElseThrow().message();
    }
}
