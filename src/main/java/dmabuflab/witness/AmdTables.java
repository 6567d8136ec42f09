// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Walks the tables of an AMD IOMMU in a guest's memory, as its hardware would: device table, then
 * page tables of the IOMMU's own format ("v1"). Guest translation is not followed.
 *
 * <p>As for {@link VtdTables}, nothing is cached, and what the IOMMU has cached is not seen.
 *
 * <p>Immutable, hence safe for several threads.
 */
public final class AmdTables implements IommuTables {
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;
    private static final int ENTRY_BYTES = 32;
    private static final int ENTRIES = 512;

    private static final long PRESENT = 1;
    private static final long TRANSLATION_VALID = 2;
    private static final long GUEST_TRANSLATION = 1L << 55;
    private static final long READ = 1L << 61;
    private static final long WRITE = 1L << 62;

    /** A next level that says: a page, of a size that is told by its address. */
    private static final int SIZED_PAGE = 7;

    /** How far a device can reach that is not translated. */
    private static final long EVERYTHING = 1L << 52;

    private final TableMemory memory;
    private final boolean enabled;
    private final long table;
    private final long tableBytes;

    /**
     * @param memory the guest's memory
     * @param deviceTableBase the register at offset 0x0
     * @param control the register at offset 0x18
     */
    public AmdTables(PhysicalMemory memory, long deviceTableBase, long control) {
        this.memory = new TableMemory(memory);
        this.enabled = (control & 1) != 0;
        this.table = deviceTableBase & ADDRESS;
        this.tableBytes = ((deviceTableBase & 0x1ff) + 1) * 4096;
    }

    /** What a device table entry leads to. */
    private record Root(int domain, long table, int level, boolean read, boolean write) {
        /** Whether requests reach the same physical address. */
        boolean untranslated() {
            return level == 0;
        }
    }

    private Optional<Root> root(SourceId source) {
        if (!enabled) {
            return Optional.of(new Root(0, 0, 0, true, true));
        }
        long offset = source.value() * (long) ENTRY_BYTES;
        if (offset >= tableBytes) {
            return Optional.empty();
        }
        long entry = memory.readLong(table + offset);
        int domain = (int) memory.readLong(table + offset + 8) & 0xffff;
        if ((entry & PRESENT) == 0) {
            return Optional.of(new Root(domain, 0, 0, true, true));
        }
        if ((entry & TRANSLATION_VALID) == 0 || (entry & (READ | WRITE)) == 0) {
            return Optional.empty();
        }
        if ((entry & GUEST_TRANSLATION) != 0) {
            throw TableMemory.malformed(
                    "device table entry", table + offset, entry, "guest translation, not offered");
        }
        int level = level(entry);
        if (level == 7) {
            throw TableMemory.malformed(
                    "device table entry", table + offset, entry, "reserved mode 7");
        }
        return Optional.of(
                new Root(
                        domain, entry & ADDRESS, level, (entry & READ) != 0, (entry & WRITE) != 0));
    }

    @Override
    public OptionalInt domain(SourceId source) {
        return root(source).map(root -> OptionalInt.of(root.domain())).orElse(OptionalInt.empty());
    }

    /**
     * {@inheritDoc}
     *
     * @throws MalformedTableException when an entry on the way is not what hardware accepts
     */
    @Override
    public Optional<Translation> translate(SourceId source, long iova) {
        return root(source).flatMap(root -> translate(root, iova));
    }

    private Optional<Translation> translate(Root root, long iova) {
        if (root.untranslated()) {
            return Optional.of(new Translation(iova, 0, root.read(), root.write(), 0));
        }
        if (beyond(iova, root.level())) {
            return Optional.empty();
        }
        long page = root.table();
        boolean read = root.read();
        boolean write = root.write();
        int tables = 0;
        for (int level = root.level(); ; ) {
            long at = page + ((iova >>> shift(level)) & (ENTRIES - 1)) * 8;
            long entry = memory.readLong(at);
            tables++;
            if ((entry & PRESENT) == 0) {
                return Optional.empty();
            }
            read &= (entry & READ) != 0;
            write &= (entry & WRITE) != 0;
            if (!read && !write) {
                return Optional.empty();
            }
            long size = pageSize(at, entry, level);
            if (size != 0) {
                long physical = (entry & ADDRESS & -size) | (iova & (size - 1));
                return Optional.of(new Translation(physical, size, read, write, tables));
            }
            int next = level(entry);
            if (skips(iova, level, next)) {
                return Optional.empty();
            }
            page = entry & ADDRESS;
            level = next;
        }
    }

    /**
     * {@inheritDoc}
     *
     * @throws MalformedTableException when an entry is not what hardware accepts, or when there are
     *     more than {@value VtdTables#MAX_TABLES} page tables
     */
    @Override
    public List<Mapping> mappings(SourceId source) {
        Optional<Root> found = root(source);
        if (found.isEmpty()) {
            return List.of();
        }
        Root root = found.get();
        if (root.untranslated()) {
            return List.of(new Mapping(0, 0, EVERYTHING, 0, root.read(), root.write()));
        }
        Collector collector = new Collector();
        collector.walk(root.table(), root.level(), 0, root.read(), root.write());
        return collector.found;
    }

    private final class Collector {
        private final List<Mapping> found = new ArrayList<>();
        private int tables;

        void walk(long page, int level, long iova, boolean mayRead, boolean mayWrite) {
            if (++tables > VtdTables.MAX_TABLES) {
                throw new MalformedTableException(
                        "more than "
                                + VtdTables.MAX_TABLES
                                + " page tables; do they form a cycle?");
            }
            ByteBuffer entries =
                    ByteBuffer.wrap(memory.read(page, ENTRIES * 8)).order(ByteOrder.LITTLE_ENDIAN);
            int reachable = level == 6 ? 1 << (64 - shift(6)) : ENTRIES;
            for (int i = 0; i < reachable; i++) {
                long entry = entries.getLong(i * 8);
                boolean read = mayRead && (entry & READ) != 0;
                boolean write = mayWrite && (entry & WRITE) != 0;
                if ((entry & PRESENT) == 0 || (!read && !write)) {
                    continue;
                }
                long start = iova + ((long) i << shift(level));
                long size = pageSize(page + i * 8L, entry, level);
                if (size == 0) {
                    walk(entry & ADDRESS, level(entry), start, read, write);
                } else {
                    // A page larger than an entry's share has as many entries, all the same.
                    long share = 1L << shift(level);
                    long physical = (entry & ADDRESS & -size) | (start & (size - 1));
                    Mapping.append(found, new Mapping(start, physical, share, size, read, write));
                }
            }
        }
    }

    /** Size in bytes of the page that an entry maps, 0 when it leads to another table. */
    private static long pageSize(long at, long entry, int level) {
        int next = level(entry);
        if (next == 0) {
            return 1L << shift(level);
        }
        if (next == SIZED_PAGE) {
            // The lowest zero from bit 12 up tells the size: none below it is 8 KiB.
            long size = 1L << (13 + Long.numberOfTrailingZeros(~((entry & ADDRESS) >>> 12)));
            long share = 1L << shift(level);
            if (size < share || size > share << 8) {
                throw TableMemory.malformed(
                        "page table entry", at, entry, "page size at level " + level);
            }
            return size;
        }
        if (next >= level) {
            throw TableMemory.malformed(
                    "page table entry", at, entry, "level " + next + " below " + level);
        }
        return 0;
    }

    /** Whether an address has bits that no table between two levels would look at. */
    private static boolean skips(long iova, int level, int next) {
        long looked = (1L << shift(level)) - 1;
        long below = (1L << shift(next + 1)) - 1;
        return (iova & looked & ~below) != 0;
    }

    private static boolean beyond(long iova, int levels) {
        return levels < 6 && iova >>> shift(levels + 1) != 0;
    }

    private static int level(long entry) {
        return (int) (entry >>> 9) & 7;
    }

    /** Number of address bits below those that index a table of this level. */
    private static int shift(int level) {
        return 12 + (level - 1) * 9;
    }
}
