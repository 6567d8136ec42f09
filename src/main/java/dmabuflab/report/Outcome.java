// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** What became of a scenario. The classes are never merged. */
public enum Outcome {
    PASSED(0),
    /** An assertion did not hold. */
    FAILED(1),
    /** The kernel under test complained, even if every assertion held. */
    CRASHED(1),
    /** No progress within the limit. */
    HUNG(1),
    /** Build, boot, agent or the lab's own code: says nothing about the kernel. */
    INFRASTRUCTURE(3),
    /** Not run, for a reason a person can act on. */
    SKIPPED(0);

    /** From what says least to what says most about the kernel; a pass outranks a skip. */
    private static final List<Outcome> WEIGHT =
            List.of(SKIPPED, PASSED, INFRASTRUCTURE, FAILED, HUNG, CRASHED);

    private final int exitStatus;

    Outcome(int exitStatus) {
        this.exitStatus = exitStatus;
    }

    /** What the lab exits with when this is the worst outcome. */
    public int exitStatus() {
        return exitStatus;
    }

    /** True when the kernel under test is at fault. */
    public boolean isRed() {
        return exitStatus == 1;
    }

    /** The name as reports spell it. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** What stands for it where there is room for a letter only. */
    public char letter() {
        return switch (this) {
            case PASSED -> '+';
            case FAILED -> 'F';
            case CRASHED -> 'C';
            case HUNG -> 'H';
            case INFRASTRUCTURE -> '?';
            case SKIPPED -> '-';
        };
    }

    /**
     * What several outcomes say together about the kernel: any red one is certain whatever happened
     * to the others, and a pass is only one when nothing went wrong. Nothing at all is skipped.
     */
    public static Outcome worst(Collection<Outcome> outcomes) {
        return outcomes.stream().max(Comparator.comparing(WEIGHT::indexOf)).orElse(SKIPPED);
    }
}
