// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

/**
 * What the IOMMU makes of one I/O virtual address.
 *
 * @param physical the physical address in bytes, offset within the page included
 * @param pageSize size in bytes of the page that maps it (4 KiB, 2 MiB, 1 GiB), or 0 for
 *     pass-through
 * @param read whether the device may read there
 * @param write whether the device may write there
 * @param levels number of page tables read on the way; 0 for pass-through
 */
public record Translation(long physical, long pageSize, boolean read, boolean write, int levels) {
    /** Page frame number, in units of 4 KiB whatever the page's size. */
    public long pfn() {
        return physical >>> 12;
    }

    @Override
    public String toString() {
        return String.format(
                "0x%x %s%s page 0x%x levels %d",
                physical, read ? "r" : "-", write ? "w" : "-", pageSize, levels);
    }
}
