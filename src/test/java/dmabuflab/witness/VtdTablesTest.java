// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VtdTablesTest {
    private static final SourceId EDU = SourceId.parse("01:00.0");
    private static final long K4 = 1L << 12;
    private static final long M2 = 1L << 21;
    private static final long G1 = 1L << 30;
    private static final long R = 1;
    private static final long W = 2;
    private static final long LARGE = 0x80;
    private static final long SCALABLE = 1 << 10;

    private final TestMemory memory = new TestMemory(4 << 20);
    private final long root = memory.allocate();
    private final long context = memory.allocate();
    private final VtdTables tables = new VtdTables(memory, root);

    @Test
    void translatesFourKibPages() {
        long top = attach(EDU, 3, 7);
        map(top, 3, 0x1000_3000L, 1, 0xfe00_2000L | R | W);

        assertThat(tables.translate(EDU, 0x1000_3abcL))
                .contains(new Translation(0xfe00_2abcL, K4, true, true, 3));
        assertThat(tables.translate(EDU, 0x1000_3abcL).orElseThrow().pfn()).isEqualTo(0xfe002);
        assertThat(tables.translate(EDU, 0x1000_4000L)).isEmpty();
        assertThat(tables.device(EDU))
                .contains(new DeviceTable(DeviceTable.Kind.SECOND_STAGE, 7, top, 3, 39));
    }

    @ParameterizedTest
    @CsvSource({"2,30", "3,39", "4,48", "5,57"})
    void walksEveryNumberOfLevels(int levels, int width) {
        long top = attach(EDU, levels, 1);
        long last = (1L << width) - K4;
        map(top, levels, last, 1, 0x5000 | R);

        assertThat(tables.translate(EDU, last + 8))
                .contains(new Translation(0x5008, K4, true, false, levels));
        assertThat(tables.translate(EDU, 1L << width)).isEmpty();
        assertThat(tables.mappings(EDU))
                .containsExactly(new Mapping(last, 0x5000, K4, K4, true, false));
    }

    @Test
    void translatesLargePages() {
        long top = attach(EDU, 3, 1);
        map(top, 3, 0x4000_0000L, 3, 0x38_4000_0000L | LARGE | R | W);
        map(top, 3, 0x8020_0000L, 2, 0x38_0060_0000L | LARGE | R | W);

        assertThat(tables.translate(EDU, 0x4012_3456L))
                .contains(new Translation(0x38_4012_3456L, G1, true, true, 1));
        assertThat(tables.translate(EDU, 0x8034_5678L))
                .contains(new Translation(0x38_0074_5678L, M2, true, true, 2));
        assertThat(tables.mappings(EDU))
                .containsExactly(
                        new Mapping(0x4000_0000L, 0x38_4000_0000L, G1, G1, true, true),
                        new Mapping(0x8020_0000L, 0x38_0060_0000L, M2, M2, true, true));
    }

    @Test
    void physicalAddressesReachTheFiftySecondBit() {
        long top = attach(EDU, 4, 1);
        map(top, 4, 0, 1, 0x000f_ffff_ffff_f000L | R | W);
        // Ignored bits above the address are software's to use.
        map(top, 4, K4, 1, 0x7ff0_0001_0000_0000L | R | W);

        assertThat(tables.translate(EDU, 0).orElseThrow().physical())
                .isEqualTo(0x000f_ffff_ffff_f000L);
        assertThat(tables.translate(EDU, K4).orElseThrow().physical()).isEqualTo(0x1_0000_0000L);
    }

    @Test
    void permissionsOfAllLevelsCount() {
        long top = attach(EDU, 3, 1);
        map(top, 3, 0, 1, 0x5000 | R | W);
        map(top, 3, K4, 1, 0x6000 | W);
        memory.put(top, memory.readLong(top) & ~W);

        assertThat(tables.translate(EDU, 0)).contains(new Translation(0x5000, K4, true, false, 3));
        assertThat(tables.translate(EDU, K4)).isEmpty();
        assertThat(tables.mappings(EDU))
                .containsExactly(new Mapping(0, 0x5000, K4, K4, true, false));
    }

    @Test
    void nothingIsReachableWithoutContext() {
        assertThat(tables.translate(EDU, 0)).isEmpty();
        assertThat(tables.mappings(EDU)).isEmpty();

        attach(EDU, 3, 1);
        SourceId neighbour = SourceId.parse("01:00.1");
        assertThat(tables.device(neighbour)).isEmpty();
        assertThat(tables.mappings(neighbour)).isEmpty();
        assertThat(tables.sources()).containsExactly(EDU);
    }

    @Test
    void passThroughReachesEverything() {
        attach(EDU, 3, 9);
        memory.put(context, 1 | 2 << 2);

        assertThat(tables.translate(EDU, 0x1234))
                .contains(new Translation(0x1234, 0, true, true, 0));
        assertThat(tables.mappings(EDU))
                .containsExactly(new Mapping(0, 0, 1L << 39, 0, true, true));
        assertThat(tables.mappings(EDU).get(0).reaches(0xfe00_0000L, 1)).isTrue();
    }

    @Test
    void abortModeBlocksAll() {
        attach(EDU, 3, 1);
        VtdTables aborting = new VtdTables(memory, root | 3 << 10);
        assertThat(aborting.device(EDU)).isEmpty();
        assertThat(aborting.sources()).isEmpty();
    }

    @Test
    void joinsNeighboursAndKeepsOthersApart() {
        long top = attach(EDU, 3, 1);
        for (int page = 0; page < 4; page++) {
            map(top, 3, page * K4, 1, 0x8000 + page * K4 | R | W);
        }
        map(top, 3, 4 * K4, 1, 0xc000 | R); // other permission
        map(top, 3, 5 * K4, 1, 0xe000 | R); // physical gap
        map(top, 3, 7 * K4, 1, 0xf000 | R); // hole
        map(top, 3, M2, 2, 4 * M2 | LARGE | R | W);
        map(top, 3, 2 * M2, 2, 5 * M2 | LARGE | R | W);

        assertThat(tables.mappings(EDU))
                .containsExactly(
                        new Mapping(0, 0x8000, 4 * K4, K4, true, true),
                        new Mapping(4 * K4, 0xc000, K4, K4, true, false),
                        new Mapping(5 * K4, 0xe000, K4, K4, true, false),
                        new Mapping(7 * K4, 0xf000, K4, K4, true, false),
                        new Mapping(M2, 4 * M2, 2 * M2, M2, true, true));
    }

    @Test
    void reachesTellsOverlap() {
        Mapping mapping = new Mapping(0, 0x10000, 0x2000, K4, true, true);
        assertThat(mapping.reaches(0x11fff, 1)).isTrue();
        assertThat(mapping.reaches(0xf000, 0x1001)).isTrue();
        assertThat(mapping.reaches(0x12000, 0x1000)).isFalse();
        assertThat(mapping.reaches(0xf000, 0x1000)).isFalse();
    }

    @Test
    void refusesReservedBits() {
        attach(EDU, 3, 1);
        memory.put(context, memory.readLong(context) | 0x100);
        assertMalformed("context entry", "reserved bits 0x100");

        attach(EDU, 3, 1);
        memory.put(context + 8, memory.readLong(context + 8) | 1L << 40);
        assertMalformed("context entry", "reserved bits 0x10000000000");

        attach(EDU, 3, 1);
        memory.put(context, memory.readLong(context) | 3 << 2);
        assertMalformed("context entry", "reserved translation type");

        attach(EDU, 3, 1);
        memory.put(root + 16, memory.readLong(root + 16) | 4);
        assertMalformed("root entry", "reserved bits 0x4");

        attach(EDU, 3, 1);
        memory.put(root + 24, 1);
        assertMalformed("root entry", "reserved bits 0x1");
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 7})
    void refusesReservedAddressWidths(int width) {
        attach(EDU, 3, 1);
        memory.put(context + 8, 1 << 8 | width);
        assertMalformed("context entry", "reserved address width " + width);
    }

    @Test
    void refusesLargePagesThatAreNotAligned() {
        long top = attach(EDU, 3, 1);
        map(top, 3, 0, 2, M2 + 2 * K4 | LARGE | R | W);
        assertMalformed("large page entry", "reserved bits 0x2000");
        assertThatThrownBy(() -> tables.mappings(EDU)).isInstanceOf(MalformedTableException.class);
    }

    @Test
    void refusesLargePagesAboveOneGib() {
        long top = attach(EDU, 4, 1);
        memory.put(top, LARGE | R | W);
        assertMalformed("page table entry", "large page at level 4");
    }

    @Test
    void refusesTablesOutsideMemory() {
        long top = attach(EDU, 3, 1);
        memory.put(top, 0x7_0000_0000L | R | W);
        assertMalformed("0x700000000", "outside the 4194304 bytes");
    }

    @Test
    void cyclicTablesEnd() {
        long top = attach(EDU, 5, 1);
        for (int i = 0; i < 512; i++) {
            memory.put(top + i * 8L, top | R | W);
        }
        assertThatThrownBy(() -> tables.mappings(EDU))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContaining("cycle");
        assertThat(tables.translate(EDU, 0))
                .as("a single walk always ends")
                .contains(new Translation(top, K4, true, true, 5));
    }

    @Test
    void refusesTheReservedMode() {
        assertThatThrownBy(() -> new VtdTables(memory, root | 2 << 10).device(EDU))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContaining("reserved mode 2");
    }

    @Test
    void scalableModeSecondStage() {
        long entry = attachScalable(SourceId.parse("01:10.1"));
        long top = memory.allocate();
        memory.put(entry, top | 2 << 6 | 2 << 2 | 1);
        memory.put(entry + 8, 0x2a);
        map(top, 4, 0x5000, 1, 0xfe00_0000L | R | W);

        VtdTables scalable = new VtdTables(memory, root | SCALABLE);
        SourceId source = SourceId.parse("01:10.1");
        assertThat(scalable.device(source))
                .contains(new DeviceTable(DeviceTable.Kind.SECOND_STAGE, 0x2a, top, 4, 48));
        assertThat(scalable.translate(source, 0x5010))
                .contains(new Translation(0xfe00_0010L, K4, true, true, 4));
        assertThat(scalable.sources()).containsExactly(source);
    }

    @Test
    void scalableModeFirstStage() {
        SourceId source = SourceId.parse("01:02.0");
        long entry = attachScalable(source);
        long top = memory.allocate();
        memory.put(entry, 1 << 6 | 1);
        memory.put(entry + 16, top | 1 << 2); // five levels
        long user = 4;
        long executeDisable = 1L << 63;
        map(top, 5, 0x5000, 1, 0xfe00_0000L | 1 | user | executeDisable);
        map(top, 5, M2, 2, 0x38_0020_0000L | 3 | user | LARGE | K4 /* attribute */);
        map(top, 5, 0x7000, 1, 0xfe00_0000L | 3); // for privileged requests only

        VtdTables scalable = new VtdTables(memory, root | SCALABLE);
        assertThat(scalable.mappings(source))
                .containsExactly(
                        new Mapping(0x5000, 0xfe00_0000L, K4, K4, true, false),
                        new Mapping(M2, 0x38_0020_0000L, M2, M2, true, true));
        assertThat(scalable.translate(source, 0x7000)).isEmpty();
        assertThat(scalable.translate(source, M2 + 5))
                .contains(new Translation(0x38_0020_0005L, M2, true, true, 4));
    }

    @Test
    void scalableModeOtherTypes() {
        SourceId source = SourceId.parse("01:02.0");
        VtdTables scalable = new VtdTables(memory, root | SCALABLE);
        long entry = attachScalable(source);
        assertThat(scalable.device(source)).isEmpty();

        memory.put(entry, 4 << 6 | 1 << 2 | 1);
        assertThat(scalable.device(source).orElseThrow().kind())
                .isEqualTo(DeviceTable.Kind.PASS_THROUGH);

        memory.put(entry, 3 << 6 | 1);
        assertThatThrownBy(() -> scalable.device(source))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("01:02.0 uses nested translation");
    }

    /** Random mappings, against a map that knows nothing of page tables. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void agreesWithModel(long seed) {
        Random random = new Random(seed);
        int levels = 3 + random.nextInt(3);
        long top = attach(EDU, levels, 1);
        long base = (random.nextLong() & ((1L << (12 + 9 * levels)) - 1)) & -(8 * G1);
        NavigableMap<Long, Mapping> model = new TreeMap<>();
        for (int i = 0; i < 300; i++) {
            int level = 1 + random.nextInt(10) / 4; // mostly small ones
            long size = K4 << (9 * (level - 1));
            // Few places, so that neighbours, holes and clashes all happen.
            long iova = base + random.nextInt(level == 3 ? 8 : 24) * size;
            if (overlaps(model, iova, size)) {
                continue;
            }
            long permissions = 1L + random.nextInt(3);
            long physical =
                    random.nextBoolean()
                            ? iova - base + 16 * G1
                            : (random.nextLong() & (1L << 45) - 1) & -size;
            map(top, levels, iova, level, physical | permissions | (level > 1 ? LARGE : 0));
            model.put(
                    iova,
                    new Mapping(
                            iova,
                            physical,
                            size,
                            size,
                            (permissions & R) != 0,
                            (permissions & W) != 0));
        }

        List<Mapping> pages = new ArrayList<>();
        for (Mapping range : tables.mappings(EDU)) {
            for (long done = 0; done < range.length(); done += range.pageSize()) {
                pages.add(
                        new Mapping(
                                range.iova() + done,
                                range.physical() + done,
                                range.pageSize(),
                                range.pageSize(),
                                range.read(),
                                range.write()));
            }
        }
        assertThat(pages).containsExactlyElementsOf(model.values());

        for (int i = 0; i < 2000; i++) {
            long iova = base + (random.nextLong() & (random.nextBoolean() ? 8 * G1 : 48 * M2) - 1);
            Map.Entry<Long, Mapping> below = model.floorEntry(iova);
            boolean mapped = below != null && iova - below.getKey() < below.getValue().length();
            assertThat(tables.translate(EDU, iova).map(Translation::physical).orElse(-1L))
                    .as("iova 0x%x", iova)
                    .isEqualTo(mapped ? below.getValue().physical() + iova - below.getKey() : -1L);
        }
    }

    private static boolean overlaps(NavigableMap<Long, Mapping> model, long iova, long size) {
        Map.Entry<Long, Mapping> below = model.floorEntry(iova + size - 1);
        return below != null && below.getKey() + below.getValue().length() > iova;
    }

    private void assertMalformed(String... parts) {
        assertThatThrownBy(() -> tables.translate(EDU, 0))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContainingAll(parts);
    }

    /** Writes root and context entry; the top of an empty page table. */
    private long attach(SourceId source, int levels, int domain) {
        long top = memory.allocate();
        memory.put(root + source.bus() * 16L, context | 1);
        memory.put(root + source.bus() * 16L + 8, 0);
        memory.put(context + source.devfn() * 16L, top | 1);
        memory.put(context + source.devfn() * 16L + 8, (long) domain << 8 | (levels - 2));
        return top;
    }

    /** Writes everything down to an empty PASID entry, and returns that one's address. */
    private long attachScalable(SourceId source) {
        long directory = memory.allocate();
        long pasids = memory.allocate();
        int pasid = 0x45;
        memory.put(root + source.bus() * 16L + (source.devfn() >= 0x80 ? 8 : 0), context | 1);
        long entry = context + (source.devfn() & 0x7f) * 32L;
        memory.put(entry, directory | 1);
        memory.put(entry + 8, pasid);
        memory.put(directory + (pasid >> 6) * 8L, pasids | 1);
        return pasids + (pasid & 0x3f) * 64L;
    }

    /** Stores an entry at a level, with fully permissive tables above it. */
    private void map(long top, int levels, long iova, int level, long entry) {
        long table = top;
        for (int l = levels; l > level; l--) {
            long at = table + (iova >>> (12 + 9 * (l - 1)) & 511) * 8;
            if (memory.readLong(at) == 0) {
                memory.put(at, memory.allocate() | R | W | 4);
            }
            table = memory.readLong(at) & ~0xfffL;
        }
        memory.put(table + (iova >>> (12 + 9 * (level - 1)) & 511) * 8, entry);
    }
}
