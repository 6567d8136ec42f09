// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a kernel holds against itself. It sets these bits where it reports, so that a report which
 * was overlooked on the console is not lost.
 *
 * @param mask of /proc/sys/kernel/tainted
 */
public record Taint(long mask) {
    /** Bits of Documentation/admin-guide/tainted-kernels.rst that no kernel in order has. */
    private static final Map<Integer, String> COMPLAINTS =
            new TreeMap<>(
                    Map.of(
                            5, "a bad page",
                            7, "an oops or BUG",
                            9, "a warning",
                            14, "a soft lockup"));

    /** In words; empty when there are none. */
    public List<String> complaints() {
        return COMPLAINTS.entrySet().stream()
                .filter(each -> (mask >> each.getKey() & 1) != 0)
                .map(Map.Entry::getValue)
                .toList();
    }
}
