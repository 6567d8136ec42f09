// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

/**
 * A page that a virtual machine can reach: a leaf of its nested page table, with the permissions of
 * the whole way to it.
 *
 * @param gpa first guest physical address, bytes
 * @param physical first physical address, bytes
 * @param size bytes: 4 KiB, 2 MiB or 1 GiB
 * @param memoryType what the leaf asks for; on SVM KVM asks for {@link MemoryType#WB} whatever the
 *     page is, and leaves the rest to the MTRRs
 * @param accessed set by the processor or by KVM
 * @param dirty set by the processor or by KVM
 * @param entry the leaf as it is in memory
 */
public record NestedLeaf(
        long gpa,
        long physical,
        long size,
        boolean read,
        boolean write,
        boolean execute,
        MemoryType memoryType,
        boolean accessed,
        boolean dirty,
        long entry) {

    /** Page frame number of the leaf's first 4 KiB. */
    public long pfn() {
        return physical >>> 12;
    }

    /**
     * Page frame number, in units of 4 KiB, that this address leads to.
     *
     * @throws IllegalArgumentException when the leaf does not map it
     */
    public long pfn(long address) {
        if (address < gpa || address - gpa >= size) {
            throw new IllegalArgumentException("0x%x is not in %s".formatted(address, this));
        }
        return (physical + address - gpa) >>> 12;
    }

    /** The size as a power of two of 4 KiB pages: 0, 9 or 18. */
    public int order() {
        return Long.numberOfTrailingZeros(size) - 12;
    }

    /** Whether any byte of this range of guest physical addresses is mapped by it. */
    public boolean overlaps(long start, long length) {
        return start < gpa + size && gpa < start + length;
    }

    @Override
    public String toString() {
        return String.format(
                "0x%x+0x%x -> 0x%x %s%s%s %s %s%s entry 0x%016x",
                gpa,
                size,
                physical,
                read ? "r" : "-",
                write ? "w" : "-",
                execute ? "x" : "-",
                memoryType,
                accessed ? "A" : "-",
                dirty ? "D" : "-",
                entry);
    }
}
