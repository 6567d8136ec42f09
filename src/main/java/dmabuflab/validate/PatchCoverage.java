// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import java.util.List;

/**
 * How much of a patch the scenarios have executed.
 *
 * @param number of the patch
 * @param lines how many lines of code it has brought that are still there at the series' end
 * @param executed how many of these ran
 * @param branches how many ways lead on from those lines that have more than one
 * @param taken how many of these were taken
 * @param gaps the lines that did not run, neighbours together, and those from which not every way
 *     was taken
 * @param notMeasured files with lines of it of which nothing is known
 */
public record PatchCoverage(
        int number,
        int lines,
        int executed,
        int branches,
        int taken,
        List<Gap> gaps,
        List<String> notMeasured) {

    /**
     * Lines that never ran, or one that did.
     *
     * @param first its number in the file at the series' end, and so is {@code last}
     * @param text those lines as they are there
     * @param ran whether it did, and only some way that leads on from it was never taken
     */
    public record Gap(
            String file, String function, int first, int last, List<String> text, boolean ran) {
        /** {@code not run: drivers/dma-buf/dma-buf.c:120-122 dma_buf_get_pfn_unlocked()}. */
        public String line() {
            return (ran ? "a branch not taken: " : "not run: ") + place();
        }

        /** {@code drivers/dma-buf/dma-buf.c:120-122 dma_buf_get_pfn_unlocked()}. */
        public String place() {
            return file
                    + ":"
                    + first
                    + (last > first ? "-" + last : "")
                    + (function.isEmpty() ? "" : " " + function + "()");
        }
    }

    /** In one line: {@code 34 of 41 lines of code executed, 9 of 14 branches taken}. */
    public String line() {
        if (lines == 0) {
            return notMeasured.isEmpty() ? "no code" : "not measured";
        }
        String words = executed + " of " + lines + " lines of code executed";
        return branches == 0 ? words : words + ", " + taken + " of " + branches + " branches taken";
    }
}
