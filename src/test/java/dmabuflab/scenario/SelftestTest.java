// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dmabuflab.guest.GuestHung;
import dmabuflab.guest.Program.Ended;
import dmabuflab.report.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentest4j.TestAbortedException;

class SelftestTest {
    private static final String GOOD =
            "TAP version 13\n1..2\nok 1 a.one\nok 2 a.two # SKIP no RAM\n";
    private static final String BAD = "1..2\n# x != y\nnot ok 1 a.one\nok 2 a.two\n";

    private final List<Part> parts = new ArrayList<>();

    private void judge(Ended ended) {
        Selftest.judge(ended, parts);
    }

    private AbstractThrowableAssert<?, ?> verdict(Ended ended) {
        return assertThatThrownBy(() -> judge(ended));
    }

    private static Ended exit(long status, String output) {
        return new Ended(OptionalLong.of(status), "", false, Duration.ZERO, output);
    }

    private static Ended death(boolean timedOut, String output) {
        return new Ended(OptionalLong.empty(), "SEGV", timedOut, Duration.ofMillis(77), output);
    }

    @Test
    void aGoodProgramPassesWithAllItsCases() {
        assertThatCode(() -> judge(exit(0, GOOD))).doesNotThrowAnyException();
        assertThat(parts)
                .containsExactly(
                        new Part(1, "a.one", Outcome.PASSED, ""),
                        new Part(2, "a.two", Outcome.SKIPPED, "no RAM"));
    }

    /**
     * Before its first case there is no plan yet, and a child may give up while all else is well.
     */
    @ParameterizedTest
    @ValueSource(strings = {"TAP version 13\n", "1..0\n", "Bail out! no agent\n"})
    void whoSpeaksTapAndJudgesNothingHasNotPassed(String output) {
        assertThatThrownBy(() -> Selftest.judgeWithoutTap("p", exit(0, output), parts))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("no case was executed");
    }

    @Test
    void aFailedCaseFailsTheProgram() {
        verdict(exit(1, BAD))
                .isInstanceOf(AssertionError.class)
                .hasMessage("1 of 2 cases failed:\na.one");
        assertThat(parts)
                .extracting(Part::outcome, Part::message)
                .contains(tuple(Outcome.FAILED, "# x != y"));
    }

    @Test
    void whoDiesHalfWayHasFailed() {
        verdict(death(false, "1..2\nok 1 a.one\n"))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("1 of 2 cases have ended")
                .hasMessageContaining("it died of SIGSEGV after 1 cases");
    }

    @Test
    void whoDiesAtTheEndHasFailed() {
        verdict(death(false, GOOD)).isInstanceOf(AssertionError.class);
    }

    @Test
    void whoHadToBeKilledHung() {
        verdict(death(true, "1..2\nok 1 a.one\n"))
                .isInstanceOf(GuestHung.class)
                .hasMessageContaining("after 77 ms and 1 cases");
        assertThat(parts).hasSize(1);
    }

    @Test
    void exitStatusAndCasesHaveToAgree() {
        verdict(exit(1, GOOD))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("no case failed");
        verdict(exit(0, BAD))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("though cases failed");
        verdict(exit(4, GOOD)).isInstanceOf(AssertionError.class);
    }

    @Test
    void whoExecutesNothingHasFailed() {
        verdict(exit(0, "")).isInstanceOf(AssertionError.class);
        verdict(exit(0, "1..0\n")).isInstanceOf(AssertionError.class);
        verdict(exit(0, "1..0 # SKIP but exits with 0\n")).isInstanceOf(AssertionError.class);
        verdict(exit(0, "1..1\nok 1 a # SKIP no RAM\n")).isInstanceOf(AssertionError.class);
        verdict(exit(4, "1..1\n")).isInstanceOf(AssertionError.class);
    }

    @Test
    void whoSkipsItselfIsSkippedWithItsWords() {
        verdict(exit(4, "No driver found for device 0000:01:00.0\n\n"))
                .isInstanceOf(TestAbortedException.class)
                .hasMessageContaining("No driver found");
        verdict(exit(4, "1..0 # SKIP no SR-IOV\n"))
                .isInstanceOf(TestAbortedException.class)
                .hasMessageContaining("skipped by the selftest: no SR-IOV");
    }

    private static final String ASSERTION =
            """
            Random seed: 0x1

            ==== Test Assertion Failure ====
              x86/a_test.c:33: errno == EFAULT
              pid=9 tid=9 errno=13 - Permission denied
            sh: addr2line: not found
              KVM_RUN failed, rc: -1
            """;

    private void judgeWithoutTap(Ended ended) {
        Selftest.judgeWithoutTap("a_test", ended, parts);
    }

    private AbstractThrowableAssert<?, ?> verdictWithoutTap(Ended ended) {
        parts.clear();
        return assertThatThrownBy(() -> judgeWithoutTap(ended));
    }

    @Test
    void withoutTapTheExitStatusIsTheVerdict() {
        judgeWithoutTap(exit(0, "Random seed: 0x1\n"));
        assertThat(parts).containsExactly(new Part(1, "a_test", Outcome.PASSED, ""));

        verdictWithoutTap(exit(1, "cannot\n"))
                .isInstanceOf(AssertionError.class)
                .hasMessage("its exit status is 1\nits last words: cannot");
        assertThat(parts).extracting(Part::outcome).containsExactly(Outcome.FAILED);

        verdictWithoutTap(death(false, ""))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("it died of SIGSEGV");
        verdictWithoutTap(death(true, "run 1\n"))
                .isInstanceOf(GuestHung.class)
                .hasMessageContaining("after 77 ms; its last words: run 1");
    }

    @Test
    void withoutTapTheFailedAssertionIsTheReason() {
        verdictWithoutTap(exit(254, ASSERTION))
                .isInstanceOf(AssertionError.class)
                .hasMessage(
                        """
                        its exit status is 254
                          x86/a_test.c:33: errno == EFAULT
                          pid=9 tid=9 errno=13 - Permission denied
                          KVM_RUN failed, rc: -1""");
        assertThat(parts).extracting(Part::message).asString().contains("a_test.c:33");
    }

    /** KVM's selftests call it a skip when errno happens to be EACCES. */
    @Test
    void aFailedAssertionIsNeverASkip() {
        verdictWithoutTap(exit(4, ASSERTION + "Access denied - Exiting, skipping test\n"))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("a_test.c:33");
        verdictWithoutTap(exit(0, ASSERTION)).isInstanceOf(AssertionError.class);
    }

    @Test
    void withoutTapASkipHasItsReason() {
        verdictWithoutTap(exit(4, "1..0 # SKIP - Requirement not met: has_cap\n"))
                .isInstanceOf(TestAbortedException.class)
                .hasMessageContaining("skipped by the selftest: - Requirement not met: has_cap");
        verdictWithoutTap(exit(4, "no THP, skipping test\n"))
                .isInstanceOf(TestAbortedException.class)
                .hasMessageContaining("no THP");
        assertThat(parts).isEmpty();
    }

    @Test
    void whoOnlyExplainsItsOptionsHasFailed() {
        verdictWithoutTap(exit(0, "\nusage: a_test [-h] [-n nr_vcpus]\n"))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("it explained its options and did nothing");
    }

    @Test
    void whoPrintsTapAfterAllIsJudgedByIt() {
        judgeWithoutTap(exit(0, GOOD));
        assertThat(parts).extracting(Part::name).containsExactly("a.one", "a.two");
        verdictWithoutTap(exit(0, BAD)).hasMessageContaining("though cases failed");
        verdictWithoutTap(exit(0, "1..2\nok 1 a.one\n"))
                .hasMessageContaining("1 of 2 cases have ended");
        verdictWithoutTap(exit(0, "1..2\n")).hasMessageContaining("no case was executed");
    }
}
