// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.host.InfrastructureException;
import dmabuflab.report.Outcome;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

class VerdictTest {
    private static InfrastructureException lost() {
        return new InfrastructureException("lost", "why", "next");
    }

    private static Outcome of(Throwable failure) {
        return Verdict.of(Optional.of(failure));
    }

    @Test
    void classesAreKeptApart() {
        assertThat(Verdict.of(Optional.empty())).isEqualTo(Outcome.PASSED);
        assertThat(of(new AssertionError("no"))).isEqualTo(Outcome.FAILED);
        assertThat(of(lost())).isEqualTo(Outcome.INFRASTRUCTURE);
        assertThat(of(new TestAbortedException("no such device"))).isEqualTo(Outcome.SKIPPED);
        assertThat(of(new GuestCrashed(List.of(), finding -> List.of())))
                .isEqualTo(Outcome.CRASHED);
    }

    @Test
    void aBugOfTheLabIsNotBlamedOnTheKernel() {
        assertThat(of(new NullPointerException())).isEqualTo(Outcome.INFRASTRUCTURE);
    }

    @Test
    void aCrashFoundAfterwardsOutranksWhatItCaused() {
        AssertionError assertion = new AssertionError("no");
        assertion.addSuppressed(new GuestCrashed(List.of(), finding -> List.of()));
        InfrastructureException lost = lost();
        lost.addSuppressed(new GuestCrashed(List.of(), finding -> List.of()));

        Throwable crash = new GuestCrashed(List.of(), finding -> List.of());
        assertThat(Verdict.of(Optional.of(lost()), Optional.of(crash))).isEqualTo(Outcome.CRASHED);
        assertThat(Verdict.of(Optional.of(new AssertionError("no")), Optional.of(lost())))
                .isEqualTo(Outcome.FAILED);
        assertThat(Verdict.of(Optional.empty(), Optional.of(lost())))
                .isEqualTo(Outcome.INFRASTRUCTURE);
        assertThat(Verdict.of(Optional.empty(), Optional.empty())).isEqualTo(Outcome.PASSED);

        assertThat(of(assertion)).isEqualTo(Outcome.CRASHED);
        assertThat(of(lost)).isEqualTo(Outcome.CRASHED);
    }

    @Test
    void whereCpusStoodStillForTooLongNothingIsAVerdictButACrash() {
        ScheduleNotKept notKept = new ScheduleNotKept("nobody has passed point 2");
        AssertionError assertion = new AssertionError("no");
        assertThat(Verdict.of(Optional.of(assertion), Optional.of(notKept)))
                .isEqualTo(Outcome.INFRASTRUCTURE);
        assertion.addSuppressed(notKept);
        assertThat(of(assertion)).isEqualTo(Outcome.INFRASTRUCTURE);
        assertThat(Verdict.message(assertion)).contains("nobody has passed point 2");
        assertion.addSuppressed(new GuestCrashed(List.of(), finding -> List.of()));
        assertThat(of(assertion)).isEqualTo(Outcome.CRASHED);
    }
}
