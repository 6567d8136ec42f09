// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.time.Duration;

/**
 * How much slower than expected things may be before they count as hung.
 *
 * @param factor above 0; the product of what the guest was measured at and what the user asked
 */
public record TimeScale(double factor) {
    /** Boot to agent on the machine where the limits below were chosen, without debug options. */
    private static final Duration USUAL_BOOT = Duration.ofMillis(2500);

    private static final Duration BOOT = Duration.ofSeconds(90);
    private static final Duration LONGEST_BOOT = Duration.ofMinutes(5);
    private static final Duration SILENCE = Duration.ofSeconds(15);

    public TimeScale {
        if (!(factor > 0)) {
            throw new IllegalArgumentException("timeout scale must be above 0: " + factor);
        }
    }

    /** Adds what the boot of this very guest tells about its speed. */
    TimeScale measuredBy(Duration boot) {
        return new TimeScale(factor * Math.max(1, (double) boot.toNanos() / USUAL_BOOT.toNanos()));
    }

    /** How long a guest that boots may be silent. */
    Duration boot() {
        return times(BOOT);
    }

    /** How long it may print before its agent says something. */
    Duration longestBoot() {
        return times(LONGEST_BOOT);
    }

    /** How long QEMU or the agent may be silent. */
    public Duration silence() {
        return times(SILENCE);
    }

    private Duration times(Duration limit) {
        return Duration.ofNanos((long) (limit.toNanos() * factor));
    }
}
