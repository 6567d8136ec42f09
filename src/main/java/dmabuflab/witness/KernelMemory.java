// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

/**
 * The memory of a guest's kernel by the virtual addresses that it has there itself, through its own
 * page tables of four levels. Nothing is cached, and the kernel may change it meanwhile.
 *
 * <p>Immutable, hence safe for several threads.
 */
public final class KernelMemory {
    /** Linux maps physical memory for its image from here on, where it has not been moved. */
    private static final long IMAGE = 0xffff_ffff_8000_0000L;

    private static final long PRESENT = 1;
    private static final long LARGE_PAGE = 1L << 7;
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;
    private static final int TOP_SHIFT = 39;
    private static final int LEVEL_BITS = 9;
    private static final int PAGE_SHIFT = 12;

    private final TableMemory memory;
    private final long topTable;

    /**
     * @param memory the guest's
     * @param topTable virtual address in the kernel's image: {@code init_top_pgt}
     */
    public KernelMemory(PhysicalMemory memory, long topTable) {
        this.memory = new TableMemory(memory);
        this.topTable = topTable - IMAGE;
    }

    /**
     * Reads 64 bits.
     *
     * @param address of them, a multiple of 8
     * @throws MalformedTableException when the kernel has nothing there
     */
    public long readLong(long address) {
        return memory.readLong(physical(address));
    }

    /**
     * Where it is in physical memory.
     *
     * @throws MalformedTableException when the kernel has nothing there
     */
    long physical(long address) {
        long table = topTable;
        for (int shift = TOP_SHIFT; ; shift -= LEVEL_BITS) {
            long at = table + ((address >>> shift) & ((1 << LEVEL_BITS) - 1)) * Long.BYTES;
            long entry = memory.readLong(at);
            if ((entry & PRESENT) == 0) {
                throw new MalformedTableException(
                        "the kernel has nothing at 0x%x, by tables of 4 levels".formatted(address));
            }
            if (shift == PAGE_SHIFT || (entry & LARGE_PAGE) != 0) {
                long within = (1L << shift) - 1;
                return (entry & ADDRESS & ~within) | (address & within);
            }
            table = entry & ADDRESS;
        }
    }

    /** The physical memory behind it. */
    PhysicalMemory memory() {
        return memory.memory();
    }
}
