// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * Walks the nested page tables of a virtual machine on AMD SVM in the memory of the guest that runs
 * it, as the processor would, and holds each entry against what KVM's TDP MMU builds.
 *
 * <p>KVM never leaves an entry zero. One that maps nothing is {@code 1 << 63}, or the mark of an
 * entry that is being changed; one for emulated MMIO is present with a reserved bit, so that an
 * access exits. Everything else has to carry KVM's own mark of a present entry, bit 11. So a page
 * that is no table, or no longer one, is an error and not an empty table.
 *
 * <p>Nothing is cached: every call reads the memory as it is at that moment. Virtual CPUs may run
 * meanwhile. What this class sees are the tables only: a TLB may still remember what they said.
 *
 * <p>Immutable, hence safe for several threads.
 */
public final class NestedTables {
    static final long PRESENT = 1;
    static final long WRITE = 1L << 1;
    static final long USER = 1L << 2;
    static final long PWT = 1L << 3;
    static final long PCD = 1L << 4;
    static final long ACCESSED = 1L << 5;
    static final long DIRTY = 1L << 6;
    static final long LARGE_PAGE = 1L << 7;
    static final long NO_EXECUTE = 1L << 63;

    /** In the software's bits of an entry: KVM's own word that the entry is present. */
    static final long KVM_PRESENT = 1L << 11;

    static final long KVM_NOTHING = 1L << 63;
    static final long KVM_FROZEN = KVM_NOTHING | 0x1a0;

    /** Physical address bit that the processor does not have, which makes an access exit. */
    static final long KVM_MMIO = 1L << 51;

    /** QEMU's processors have 40 physical address bits unless told otherwise. */
    private static final long ADDRESS = 0x0000_00ff_ffff_f000L;

    /** Bits 40 to 62: no address, and nothing KVM would use on SVM. */
    private static final long RESERVED = ~(ADDRESS | 0xfff | NO_EXECUTE);

    private static final int LEVEL_BITS = 9;
    private static final int LARGEST_LEAF = 3;

    /** Limit for {@link #leaves}: page tables read, enough for 32 GiB of 4 KiB pages. */
    static final int MAX_TABLES = 1 << 14;

    private final TableMemory memory;
    private final long root;
    private final int levels;

    /**
     * @param memory the memory of the guest that runs the virtual machine
     * @param root physical address of the topmost table: the nested CR3
     * @param levels 4 or 5
     */
    public NestedTables(PhysicalMemory memory, long root, int levels) {
        if (levels != 4 && levels != 5) {
            throw new IllegalArgumentException("nested page tables of " + levels + " levels");
        }
        this.memory = new TableMemory(memory);
        this.root = root;
        this.levels = levels;
        if ((root & ~ADDRESS) != 0) {
            throw new MalformedTableException(
                    "the nested CR3 is 0x%x, which is no page's address".formatted(root));
        }
    }

    /** Physical address of the topmost table. */
    public long root() {
        return root;
    }

    /**
     * The leaf for a guest physical address; empty when an access there would exit.
     *
     * @throws MalformedTableException when an entry on the way is none of KVM's
     */
    public Optional<NestedLeaf> translate(long gpa) {
        return leaves(gpa, 1).stream().findFirst();
    }

    /**
     * All leaves that map a byte of a range, in order of guest physical address.
     *
     * @param from first guest physical address
     * @param length bytes, at least 1
     * @throws MalformedTableException when an entry on the way is none of KVM's, or there are more
     *     than {@value #MAX_TABLES} tables
     */
    public List<NestedLeaf> leaves(long from, long length) {
        long last = from + length - 1;
        long end = 1L << shift(levels + 1);
        if (from < 0 || length < 1 || last < from || last >= end) {
            throw new IllegalArgumentException(
                    "0x%x+0x%x is not in 0x0 to 0x%x".formatted(from, length, end));
        }
        Walk walk = new Walk(from, last);
        walk.table(root, levels, 0, PRESENT | WRITE | USER);
        return walk.found;
    }

    /** The entries read on the way to an address, topmost first, for a person to look at. */
    public String way(long gpa) {
        StringJoiner way = new StringJoiner(", ");
        long table = root;
        for (int level = levels; level > 0; level--) {
            long entry =
                    memory.readLong(table + ((gpa >>> shift(level)) & ((1 << LEVEL_BITS) - 1)) * 8);
            way.add("level %d 0x%016x".formatted(level, entry));
            boolean tableBelow =
                    (entry & (PRESENT | KVM_PRESENT | LARGE_PAGE)) == (PRESENT | KVM_PRESENT);
            if (!tableBelow) {
                break;
            }
            table = entry & ADDRESS;
        }
        return way.toString();
    }

    private final class Walk {
        private final long from;
        private final long last;
        private final List<NestedLeaf> found = new ArrayList<>();
        private int tables;

        Walk(long from, long last) {
            this.from = from;
            this.last = last;
        }

        /**
         * @param start guest physical address of the table's first entry
         * @param allowed permission bits of the way here
         */
        void table(long table, int level, long start, long allowed) {
            if (++tables > MAX_TABLES) {
                throw new MalformedTableException(
                        "more than " + MAX_TABLES + " nested page tables; do they form a cycle?");
            }
            long size = 1L << shift(level);
            int first = from <= start ? 0 : (int) ((from - start) / size);
            for (int i = first; i < 1 << LEVEL_BITS && start + i * size <= last; i++) {
                long at = table + i * 8L;
                long gpa = start + i * size;
                long entry = memory.readLong(at);
                if (!present(at, entry, level, gpa)) {
                    continue;
                }
                long permissions = (allowed & entry) | ((allowed | entry) & NO_EXECUTE);
                if (level == 1 || (entry & LARGE_PAGE) != 0) {
                    if ((permissions & USER) != 0) { // to the processor each access is a user's
                        found.add(leaf(at, entry, level, gpa, permissions));
                    }
                } else {
                    table(entry & ADDRESS, level - 1, gpa, permissions);
                }
            }
        }
    }

    /** Whether the processor goes on from here; throws if KVM never builds such an entry. */
    private static boolean present(long at, long entry, int level, long gpa) {
        if ((entry & PRESENT) == 0) {
            if (entry != KVM_NOTHING && entry != KVM_FROZEN) {
                throw malformed(
                        at, entry, level, "not present, and not as KVM leaves such entries");
            }
            return false;
        }
        if ((entry & (KVM_MMIO | KVM_PRESENT)) == KVM_MMIO) {
            if (level != 1 || (entry & ADDRESS) != gpa) {
                throw malformed(at, entry, level, "emulated MMIO of another address");
            }
            return false;
        }
        if ((entry & KVM_PRESENT) == 0) {
            throw malformed(at, entry, level, "present, but not to KVM");
        }
        if ((entry & RESERVED) != 0) {
            throw malformed(at, entry, level, "reserved bits 0x%x".formatted(entry & RESERVED));
        }
        if (level > LARGEST_LEAF && (entry & LARGE_PAGE) != 0) {
            throw malformed(at, entry, level, "page size at this level");
        }
        return true;
    }

    private static NestedLeaf leaf(long at, long entry, int level, long gpa, long permissions) {
        long size = 1L << shift(level);
        long pat = level == 1 ? LARGE_PAGE : 1L << 12;
        long physical = entry & ADDRESS & -size;
        if (level > 1 && (entry & ADDRESS & (size - 1) & ~pat) != 0) {
            throw malformed(at, entry, level, "not aligned to its size 0x%x".formatted(size));
        }
        return new NestedLeaf(
                gpa,
                physical,
                size,
                true,
                (permissions & WRITE) != 0,
                (permissions & NO_EXECUTE) == 0,
                MemoryType.of((entry & pat) != 0, (entry & PCD) != 0, (entry & PWT) != 0),
                (entry & ACCESSED) != 0,
                (entry & DIRTY) != 0,
                entry);
    }

    private static MalformedTableException malformed(
            long at, long entry, int level, String problem) {
        return TableMemory.malformed("nested entry of level " + level, at, entry, problem);
    }

    /** Number of address bits below those that index a table of this level. */
    private static int shift(int level) {
        return 12 + (level - 1) * LEVEL_BITS;
    }
}
