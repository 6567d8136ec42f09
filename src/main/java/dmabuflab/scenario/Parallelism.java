// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.util.Map;

/** How JUnit is told to run several guests side by side. */
final class Parallelism {
    private static final String PREFIX = "junit.jupiter.execution.parallel.";

    private Parallelism() {}

    static Map<String, String> of(int jobs) {
        String number = Integer.toString(jobs);
        return Map.of(
                PREFIX + "enabled", "true",
                PREFIX + "mode.default", "concurrent",
                PREFIX + "mode.classes.default", "concurrent",
                PREFIX + "config.strategy", "fixed",
                PREFIX + "config.fixed.parallelism", number,
                PREFIX + "config.fixed.max-pool-size", number);
    }
}
