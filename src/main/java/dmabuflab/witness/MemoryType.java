// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

/**
 * What a page table entry asks of the caches: an index into the PAT register, which holds a type
 * for each. Nested page tables are translated with the PAT of the host, that is of the guest under
 * test, which Linux sets up in {@code arch/x86/mm/pat/memtype.c}.
 *
 * <p>It is not the whole truth: the processor combines it with its MTRRs and with what the tables
 * inside the virtual machine ask for, and takes the stricter one.
 */
public enum MemoryType {
    /** Write-back: cached. */
    WB,
    /** Write-combining. */
    WC,
    /** Uncached, unless an MTRR says write-combining. */
    UC_MINUS,
    /** Uncached. */
    UC,
    /** Write-protected. */
    WP,
    /** Write-through. */
    WT;

    private static final MemoryType[] LINUX_PAT = {WB, WC, UC_MINUS, UC, WB, WP, UC_MINUS, WT};

    /** The type for an entry's bits of these names, on Linux. */
    static MemoryType of(boolean pat, boolean pcd, boolean pwt) {
        return LINUX_PAT[(pat ? 4 : 0) | (pcd ? 2 : 0) | (pwt ? 1 : 0)];
    }
}
