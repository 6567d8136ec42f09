// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import java.nio.file.Path;

/**
 * One patch of the series.
 *
 * @param number its place in the series, from 1
 * @param of how many there are
 */
public record Patch(int number, int of, String subject, Path file) {
    /** As people write it: {@code 3/5}. */
    public String place() {
        return number + "/" + of;
    }
}
