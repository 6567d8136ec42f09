// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import dmabuflab.report.Outcome;
import java.util.List;
import java.util.Locale;

/** What a series has done to a scenario, by all runs of it on the base and on the head. */
public enum Judgement {
    /** Red in every run on the head, and never on the base. */
    REGRESSED,
    /** Passed in every run on the head, and red in every run on the base. */
    FIXED,
    /** Passed on the head, and could not run on the base. */
    NEWLY_POSSIBLE,
    /** Could not run on the head, and did on the base. */
    NO_LONGER_POSSIBLE,
    /** Not the same in all runs on one kernel: it says nothing of the series. */
    FLAKY,
    /** The lab's own failure, in any run: it says nothing of the series either. */
    INFRASTRUCTURE,
    /** The same on both, red or not. */
    UNCHANGED;

    /** What one kernel's runs came to. */
    private enum Side {
        PASSED,
        RED,
        SKIPPED,
        ABSENT,
        MIXED,
        BROKEN
    }

    /**
     * Judges.
     *
     * @param base outcomes on the base, empty when the scenario does not exist there
     * @param head the same on the head
     */
    public static Judgement of(List<Outcome> base, List<Outcome> head) {
        Side before = side(base);
        Side after = side(head);
        if (before == Side.BROKEN || after == Side.BROKEN) {
            return INFRASTRUCTURE;
        } else if (before == Side.MIXED || after == Side.MIXED) {
            return FLAKY;
        } else if (before == after) {
            return UNCHANGED;
        } else if (after == Side.RED) {
            return REGRESSED;
        } else if (after == Side.PASSED) {
            return before == Side.RED ? FIXED : NEWLY_POSSIBLE;
        }
        // Neither skipped nor absent runs: of the two nothing can be told.
        boolean ran = before == Side.PASSED || before == Side.RED;
        return ran ? NO_LONGER_POSSIBLE : UNCHANGED;
    }

    /** Whether more runs are needed before it is believed. */
    public boolean isToBeRepeated() {
        return this == REGRESSED || this == FIXED || this == FLAKY;
    }

    /** The words for people. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static Side side(List<Outcome> outcomes) {
        if (outcomes.isEmpty()) {
            return Side.ABSENT;
        } else if (outcomes.contains(Outcome.INFRASTRUCTURE)) {
            return Side.BROKEN;
        }
        List<Side> sides = outcomes.stream().map(Judgement::side).distinct().toList();
        return sides.size() == 1 ? sides.get(0) : Side.MIXED;
    }

    private static Side side(Outcome outcome) {
        return outcome.isRed() ? Side.RED : outcome == Outcome.PASSED ? Side.PASSED : Side.SKIPPED;
    }
}
