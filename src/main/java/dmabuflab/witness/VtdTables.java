// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Walks the tables of an Intel VT-d IOMMU in a guest's memory, as its hardware would: root table,
 * context table, page tables. In scalable mode the PASID directory and table come between, and the
 * entry used is the one for requests without a PASID.
 *
 * <p>Nothing is cached: every call reads the memory as it is at that moment. The guest may run
 * meanwhile; for a consistent picture of more than one entry stop it first. What this class sees
 * are the tables only: an IOTLB may still remember what they said before an invalidation.
 *
 * <p>Immutable, hence safe for several threads.
 */
public final class VtdTables implements IommuTables {
    private static final int PAGE_SHIFT = 12;
    private static final int LEVEL_BITS = 9;
    private static final int ENTRIES = 1 << LEVEL_BITS;
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;
    private static final long LARGE_PAGE = 1L << 7;

    private static final int TTM_LEGACY = 0;
    private static final int TTM_SCALABLE = 1;
    private static final int TTM_ABORT = 3;

    /**
     * Limit for {@link #mappings}: page tables read, 64 MiB of them, enough to map 32 GiB with 4
     * KiB pages. A table that points back at itself would otherwise multiply without end.
     */
    static final int MAX_TABLES = 1 << 14;

    private final TableMemory memory;
    private final long root;
    private final int mode;

    /**
     * @param memory the guest's memory
     * @param rootTableAddress the IOMMU's root table address register (RTADDR_REG at offset 0x20),
     *     with its mode bits
     */
    public VtdTables(PhysicalMemory memory, long rootTableAddress) {
        this.memory = new TableMemory(memory);
        this.root = rootTableAddress & ADDRESS;
        this.mode = (int) (rootTableAddress >>> 10) & 3;
    }

    /** Whether the root table is one of scalable mode. */
    public boolean scalable() {
        return mode == TTM_SCALABLE;
    }

    /**
     * Where requests of this source are translated; empty when they are all blocked.
     *
     * @throws MalformedTableException when an entry on the way is not what hardware accepts
     * @throws UnsupportedOperationException for nested translation
     */
    public Optional<DeviceTable> device(SourceId source) {
        switch (mode) {
            case TTM_LEGACY:
                return legacy(source);
            case TTM_SCALABLE:
                return scalable(source);
            case TTM_ABORT:
                return Optional.empty();
            default:
                throw new MalformedTableException(
                        "root table address register asks for the reserved mode " + mode);
        }
    }

    @Override
    public OptionalInt domain(SourceId source) {
        return device(source)
                .map(table -> OptionalInt.of(table.domain()))
                .orElse(OptionalInt.empty());
    }

    /** All sources whose requests are not blocked, in order of their ids. */
    public List<SourceId> sources() {
        List<SourceId> sources = new ArrayList<>();
        if (mode == TTM_ABORT) {
            return sources;
        }
        for (int bus = 0; bus < 256; bus++) {
            if (((memory.readLong(root + bus * 16L) | memory.readLong(root + bus * 16L + 8)) & 1)
                    == 0) {
                continue;
            }
            for (int devfn = 0; devfn < 256; devfn++) {
                SourceId source = new SourceId(bus << 8 | devfn);
                if (device(source).isPresent()) {
                    sources.add(source);
                }
            }
        }
        return sources;
    }

    /**
     * What a request of {@code source} to {@code iova} reaches; empty when it would fault.
     *
     * @throws MalformedTableException when an entry on the way is not what hardware accepts
     * @throws UnsupportedOperationException for nested translation
     */
    @Override
    public Optional<Translation> translate(SourceId source, long iova) {
        return device(source).flatMap(table -> translate(table, iova));
    }

    /**
     * Everything that {@code source} can reach, in order of I/O virtual address, neighbouring pages
     * joined.
     *
     * @throws MalformedTableException when an entry is not what hardware accepts, or when there are
     *     more than {@value #MAX_TABLES} page tables
     * @throws UnsupportedOperationException for nested translation
     */
    @Override
    public List<Mapping> mappings(SourceId source) {
        Optional<DeviceTable> device = device(source);
        if (device.isEmpty()) {
            return List.of();
        }
        DeviceTable table = device.get();
        if (table.kind() == DeviceTable.Kind.PASS_THROUGH) {
            return List.of(new Mapping(0, 0, 1L << table.width(), 0, true, true));
        }
        Collector collector = new Collector(table.kind());
        collector.walk(table.address(), table.levels(), 0, true, true);
        return collector.found;
    }

    private Optional<DeviceTable> legacy(SourceId source) {
        long rootEntry = root + source.bus() * 16L;
        long low = memory.readLong(rootEntry);
        if ((low & 1) == 0) {
            return Optional.empty();
        }
        refuse("root entry", rootEntry, low, 0xffe);
        refuse("root entry", rootEntry + 8, memory.readLong(rootEntry + 8), ~0L);

        long entry = (low & ADDRESS) + source.devfn() * 16L;
        long lo = memory.readLong(entry);
        long hi = memory.readLong(entry + 8);
        if ((lo & 1) == 0) {
            return Optional.empty();
        }
        refuse("context entry", entry, lo, 0xff0);
        refuse("context entry", entry + 8, hi, 0xffff_ffff_ff00_0080L);
        int type = (int) (lo >>> 2) & 3;
        int levels = levels("context entry", entry, (int) hi & 7);
        int domain = (int) (hi >>> 8) & 0xffff;
        switch (type) {
            case 0: // translate; 1 additionally admits requests that carry translated addresses
            case 1:
                return Optional.of(
                        new DeviceTable(
                                DeviceTable.Kind.SECOND_STAGE,
                                domain,
                                lo & ADDRESS,
                                levels,
                                width(levels)));
            case 2:
                return Optional.of(passThrough(domain, levels));
            default:
                throw TableMemory.malformed(
                        "context entry", entry, lo, "reserved translation type 3");
        }
    }

    private Optional<DeviceTable> scalable(SourceId source) {
        // A root entry has two halves: context tables of the functions below and from 0x80.
        long rootHalf = root + source.bus() * 16L + (source.devfn() >> 7) * 8L;
        long half = memory.readLong(rootHalf);
        if ((half & 1) == 0) {
            return Optional.empty();
        }
        refuse("scalable root entry", rootHalf, half, 0xffe);

        long context = (half & ADDRESS) + (source.devfn() & 0x7f) * 32L;
        long lo = memory.readLong(context);
        if ((lo & 1) == 0) {
            return Optional.empty();
        }
        int pasid = (int) memory.readLong(context + 8) & 0xf_ffff;
        long directorySize = 1L << (((lo >>> 9) & 7) + 7);
        if (pasid >>> 6 >= directorySize) {
            throw TableMemory.malformed(
                    "scalable context entry",
                    context,
                    lo,
                    "PASID 0x%x".formatted(pasid) + " too big");
        }

        long directoryEntry = (lo & ADDRESS) + (pasid >>> 6) * 8L;
        long directory = memory.readLong(directoryEntry);
        if ((directory & 1) == 0) {
            return Optional.empty();
        }
        long entry = (directory & ADDRESS) + (pasid & 0x3f) * 64L;
        long first = memory.readLong(entry);
        if ((first & 1) == 0) {
            return Optional.empty();
        }
        int domain = (int) memory.readLong(entry + 8) & 0xffff;
        int type = (int) (first >>> 6) & 7;
        switch (type) {
            case 1:
                long third = memory.readLong(entry + 16);
                int mode = (int) (third >>> 2) & 3;
                if (mode > 1) {
                    throw TableMemory.malformed(
                            "PASID entry", entry + 16, third, "reserved paging mode");
                }
                return Optional.of(
                        new DeviceTable(
                                DeviceTable.Kind.FIRST_STAGE,
                                domain,
                                third & ADDRESS,
                                4 + mode,
                                width(4 + mode)));
            case 2:
                int levels = levels("PASID entry", entry, (int) (first >>> 2) & 7);
                return Optional.of(
                        new DeviceTable(
                                DeviceTable.Kind.SECOND_STAGE,
                                domain,
                                first & ADDRESS,
                                levels,
                                width(levels)));
            case 3:
                throw new UnsupportedOperationException(
                        source + " uses nested translation, which this walker does not follow");
            case 4:
                return Optional.of(
                        passThrough(domain, levels("PASID entry", entry, (int) (first >>> 2) & 7)));
            default:
                throw TableMemory.malformed(
                        "PASID entry", entry, first, "reserved translation type " + type);
        }
    }

    private Optional<Translation> translate(DeviceTable device, long iova) {
        if (iova >>> device.width() != 0) {
            return Optional.empty();
        }
        if (device.kind() == DeviceTable.Kind.PASS_THROUGH) {
            return Optional.of(new Translation(iova, 0, true, true, 0));
        }
        long table = device.address();
        boolean read = true;
        boolean write = true;
        for (int level = device.levels(); ; level--) {
            long at = table + ((iova >>> shift(level)) & (ENTRIES - 1)) * 8;
            long entry = memory.readLong(at);
            read &= reads(device.kind(), entry);
            write &= writes(device.kind(), entry);
            if (!read && !write) {
                return Optional.empty();
            }
            if (leaf(at, entry, level)) {
                long size = 1L << shift(level);
                long physical = (entry & ADDRESS & -size) | (iova & (size - 1));
                return Optional.of(
                        new Translation(physical, size, read, write, device.levels() - level + 1));
            }
            table = entry & ADDRESS;
        }
    }

    private final class Collector {
        private final DeviceTable.Kind kind;
        private final List<Mapping> found = new ArrayList<>();
        private int tables;

        Collector(DeviceTable.Kind kind) {
            this.kind = kind;
        }

        void walk(long table, int level, long iova, boolean mayRead, boolean mayWrite) {
            if (++tables > MAX_TABLES) {
                throw new MalformedTableException(
                        "more than " + MAX_TABLES + " page tables; do they form a cycle?");
            }
            long size = 1L << shift(level);
            ByteBuffer entries =
                    ByteBuffer.wrap(memory.read(table, ENTRIES * 8)).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < ENTRIES; i++) {
                long entry = entries.getLong(i * 8);
                boolean read = mayRead && reads(kind, entry);
                boolean write = mayWrite && writes(kind, entry);
                if (!read && !write) {
                    continue;
                }
                long start = iova + i * size;
                if (leaf(table + i * 8L, entry, level)) {
                    Mapping.append(
                            found,
                            new Mapping(start, entry & ADDRESS & -size, size, size, read, write));
                } else {
                    walk(entry & ADDRESS, level - 1, start, read, write);
                }
            }
        }
    }

    /** Whether an entry that is present ends the walk; refuses what hardware refuses. */
    private static boolean leaf(long at, long entry, int level) {
        if (level == 1) {
            return true;
        }
        if ((entry & LARGE_PAGE) == 0) {
            return false;
        }
        if (level > 3) {
            throw TableMemory.malformed(
                    "page table entry", at, entry, "large page at level " + level);
        }
        // Bit 12 of a first-stage large page is an attribute, so it is not looked at.
        refuse("large page entry", at, entry, (1L << shift(level)) - (1L << (PAGE_SHIFT + 1)));
        return true;
    }

    private static boolean reads(DeviceTable.Kind kind, long entry) {
        // First stage: present, and open to requests without privilege.
        return kind == DeviceTable.Kind.FIRST_STAGE ? (entry & 5) == 5 : (entry & 1) != 0;
    }

    private static boolean writes(DeviceTable.Kind kind, long entry) {
        return kind == DeviceTable.Kind.FIRST_STAGE ? (entry & 7) == 7 : (entry & 2) != 0;
    }

    private static DeviceTable passThrough(int domain, int levels) {
        return new DeviceTable(DeviceTable.Kind.PASS_THROUGH, domain, 0, 0, width(levels));
    }

    private static int levels(String what, long at, int addressWidth) {
        if (addressWidth > 3) {
            throw new MalformedTableException(
                    "%s at 0x%x has the reserved address width %d"
                            .formatted(what, at, addressWidth));
        }
        return addressWidth + 2;
    }

    private static int width(int levels) {
        return PAGE_SHIFT + levels * LEVEL_BITS;
    }

    /** Number of address bits below those that index a table of this level. */
    private static int shift(int level) {
        return PAGE_SHIFT + (level - 1) * LEVEL_BITS;
    }

    private static void refuse(String what, long at, long value, long reserved) {
        if ((value & reserved) != 0) {
            throw TableMemory.malformed(
                    what, at, value, "reserved bits 0x%x".formatted(value & reserved) + " set");
        }
    }
}
