// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.List;

/**
 * A run of pages that a device can reach: consecutive in both address spaces, of one page size and
 * one set of permissions.
 *
 * @param iova first I/O virtual address, bytes
 * @param physical first physical address, bytes
 * @param length bytes
 * @param pageSize bytes per page (4 KiB, 2 MiB, 1 GiB), or 0 for pass-through
 * @param read whether the device may read
 * @param write whether the device may write
 */
public record Mapping(
        long iova, long physical, long length, long pageSize, boolean read, boolean write) {
    /** Whether any byte of the physical range {@code start}, {@code length} is reachable by it. */
    public boolean reaches(long start, long length) {
        return start < physical + this.length && physical < start + length;
    }

    /** Adds one to the end of a list: to the last run if it goes on there. */
    static void append(List<Mapping> runs, Mapping next) {
        int last = runs.size() - 1;
        if (last >= 0 && runs.get(last).continuedBy(next)) {
            runs.set(last, runs.get(last).plus(next.length));
        } else {
            runs.add(next);
        }
    }

    /** Whether {@code next} goes on where this one ends, under the same conditions. */
    public boolean continuedBy(Mapping next) {
        return next.iova == iova + length
                && next.physical == physical + length
                && next.pageSize == pageSize
                && next.read == read
                && next.write == write;
    }

    /** The same run, {@code more} bytes longer. */
    public Mapping plus(long more) {
        return new Mapping(iova, physical, length + more, pageSize, read, write);
    }

    @Override
    public String toString() {
        return String.format(
                "0x%x+0x%x -> 0x%x %s%s page 0x%x",
                iova, length, physical, read ? "r" : "-", write ? "w" : "-", pageSize);
    }
}
