// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.report.Outcome;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JudgementTest {

    @ParameterizedTest
    @CsvSource({
        "PASSED PASSED, FAILED CRASHED, REGRESSED",
        "PASSED PASSED, FAILED PASSED, FLAKY",
        "FAILED PASSED, FAILED FAILED, FLAKY",
        "FAILED HUNG, PASSED PASSED, FIXED",
        "FAILED, FAILED, UNCHANGED",
        "FAILED, CRASHED, UNCHANGED",
        "PASSED, PASSED, UNCHANGED",
        "SKIPPED, PASSED, NEWLY_POSSIBLE",
        "'', PASSED, NEWLY_POSSIBLE",
        "SKIPPED, FAILED, REGRESSED",
        "'', FAILED, REGRESSED",
        "PASSED, SKIPPED, NO_LONGER_POSSIBLE",
        "FAILED, '', NO_LONGER_POSSIBLE",
        "SKIPPED, '', UNCHANGED",
        "PASSED, FAILED INFRASTRUCTURE, INFRASTRUCTURE",
        "INFRASTRUCTURE, PASSED, INFRASTRUCTURE",
        "PASSED SKIPPED, PASSED, FLAKY",
    })
    void judgesByAllRuns(String base, String head, Judgement judgement) {
        assertThat(Judgement.of(outcomes(base), outcomes(head))).isEqualTo(judgement);
    }

    private static List<Outcome> outcomes(String words) {
        return words.isEmpty()
                ? List.of()
                : Arrays.stream(words.split(" ")).map(Outcome::valueOf).toList();
    }
}
