// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AmdTablesTest {
    private static final SourceId EDU = SourceId.parse("00:02.0");
    private static final long IOVA = 0x4000_0000L;
    private static final long BAR = 0x9_1020_0000L;
    private static final long PAGE = 4096;
    private static final long READ = 1L << 61;
    private static final long WRITE = 1L << 62;
    private static final long RW = READ | WRITE;
    private static final long VALID = 3;

    private final TestMemory memory = new TestMemory(1 << 20);
    private final long deviceTable = memory.allocate();
    private final AmdTables tables = new AmdTables(memory, deviceTable, 1);

    /** Fills in the device's entry and returns its topmost table. */
    private long attach(int levels, long flags) {
        long top = memory.allocate();
        entry(top | (long) levels << 9 | flags);
        return top;
    }

    private void entry(long low) {
        memory.put(deviceTable + EDU.value() * 32L, low);
        memory.put(deviceTable + EDU.value() * 32L + 8, 0xabcd_0000_002aL);
    }

    /** Builds the way to a table of a level, as the kernel does, and returns it. */
    private long table(long top, int levels, int level, long iova) {
        long table = top;
        for (int at = levels; at > level; at--) {
            long slot = slot(table, at, iova);
            if (memory.readLong(slot) == 0) {
                memory.put(slot, memory.allocate() | (long) (at - 1) << 9 | 1 | RW);
            }
            table = memory.readLong(slot) & 0xf_ffff_ffff_f000L;
        }
        return table;
    }

    private static long slot(long table, int level, long iova) {
        return table + ((iova >>> (12 + 9 * (level - 1))) & 511) * 8;
    }

    @Test
    void walksToAPage() {
        long top = attach(4, VALID | RW);
        memory.put(slot(table(top, 4, 1, IOVA), 1, IOVA), BAR | 1 | RW);

        assertThat(tables.translate(EDU, IOVA + 0x123))
                .contains(new Translation(BAR + 0x123, PAGE, true, true, 4));
        assertThat(tables.translate(EDU, IOVA + PAGE)).isEmpty();
        assertThat(tables.translate(EDU, IOVA + (1L << 48))).as("beyond four levels").isEmpty();
        assertThat(tables.mappings(EDU))
                .containsExactly(new Mapping(IOVA, BAR, PAGE, PAGE, true, true));
        assertThat(tables.domain(EDU)).hasValue(0x2a);
    }

    @Test
    void aLargerPageHasAsManyEntriesAsItNeeds() {
        long top = attach(4, VALID | RW);
        long last = table(top, 4, 1, IOVA);
        for (long iova = IOVA; iova < IOVA + 64 * PAGE; iova += PAGE) {
            // 256 KiB: next level 7, and ones below the bit that tells the size
            memory.put(slot(last, 1, iova), BAR | 0x1f000 | 7L << 9 | 1 | RW);
        }

        assertThat(tables.translate(EDU, IOVA + 9 * PAGE + 4))
                .contains(new Translation(BAR + 9 * PAGE + 4, 64 * PAGE, true, true, 4));
        assertThat(tables.mappings(EDU))
                .containsExactly(new Mapping(IOVA, BAR, 64 * PAGE, 64 * PAGE, true, true));
    }

    @Test
    void aPageOfTwoMebibytes() {
        long top = attach(3, VALID | RW);
        memory.put(slot(table(top, 3, 2, IOVA), 2, IOVA), BAR | 1 | READ);

        assertThat(tables.translate(EDU, IOVA + 0x12345))
                .contains(new Translation(BAR + 0x12345, 2 << 20, true, false, 2));
        assertThat(tables.mappings(EDU))
                .containsExactly(new Mapping(IOVA, BAR, 2 << 20, 2 << 20, true, false));
    }

    @Test
    void allSixLevels() {
        long iova = 0xfedc_ba98_7654_3000L;
        long top = attach(6, VALID | RW);
        memory.put(slot(table(top, 6, 1, iova), 1, iova), BAR | 1 | RW);

        assertThat(tables.translate(EDU, iova)).map(Translation::physical).contains(BAR);
        assertThat(tables.mappings(EDU)).extracting(Mapping::iova).containsExactly(iova);
    }

    @Test
    void aLevelCanBeLeftOut() {
        long top = attach(4, VALID | RW);
        long low = memory.allocate();
        memory.put(slot(top, 4, 0), low | 1L << 9 | 1 | RW);
        memory.put(slot(low, 1, 0x5000), BAR | 1 | RW);

        assertThat(tables.translate(EDU, 0x5000)).map(Translation::physical).contains(BAR);
        assertThat(tables.translate(EDU, IOVA + 0x5000)).as("bits nobody looks at").isEmpty();
        assertThat(tables.mappings(EDU))
                .containsExactly(new Mapping(0x5000, BAR, PAGE, PAGE, true, true));
    }

    @Test
    void permissionsAddUpOnTheWay() {
        long top = attach(2, VALID | READ);
        memory.put(slot(table(top, 2, 1, 0), 1, 0), BAR | 1 | RW);
        memory.put(slot(table(top, 2, 1, PAGE), 1, PAGE), BAR | 1 | WRITE);

        assertThat(tables.translate(EDU, 0)).contains(new Translation(BAR, PAGE, true, false, 2));
        assertThat(tables.translate(EDU, PAGE)).isEmpty();
        assertThat(tables.mappings(EDU)).hasSize(1);
    }

    @Test
    void aDeviceWithoutAValidEntryIsNotTranslated() {
        assertThat(tables.translate(EDU, BAR)).contains(new Translation(BAR, 0, true, true, 0));
        assertThat(tables.mappings(EDU)).allMatch(m -> m.reaches(BAR, 1));
        assertThat(new AmdTables(memory, deviceTable, 0).translate(EDU, BAR))
                .as("IOMMU off")
                .isPresent();
    }

    @Test
    void aDeviceInPassThroughIsNotTranslated() {
        entry(VALID | RW);
        assertThat(tables.translate(EDU, BAR)).contains(new Translation(BAR, 0, true, true, 0));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, VALID, 1 | RW})
    void aBlockedDeviceReachesNothing(long entry) {
        entry(entry);
        assertThat(tables.translate(EDU, BAR)).isEmpty();
        assertThat(tables.mappings(EDU)).isEmpty();
        assertThat(tables.domain(EDU)).isEmpty();
    }

    @Test
    void aDeviceBeyondTheTableReachesNothing() {
        assertThat(tables.translate(SourceId.parse("02:00.0"), BAR)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "a table in a table of its own level, 4",
        "a page larger than 128 entries could map, 7"
    })
    void refusesWhatNoHardwareAccepts(String what, long next) {
        long top = attach(4, VALID | RW);
        memory.put(slot(top, 4, 0), 0xf_ffff_ffff_f000L | next << 9 | 1 | RW);

        assertThatThrownBy(() -> tables.translate(EDU, 0))
                .as(what)
                .isInstanceOf(MalformedTableException.class);
        assertThatThrownBy(() -> tables.mappings(EDU)).isInstanceOf(MalformedTableException.class);
    }

    @Test
    void refusesTablesOutsideTheMemory() {
        entry(0x7fff_f000L | 4 << 9 | VALID | RW);
        assertThatThrownBy(() -> tables.translate(EDU, 0))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContaining("outside");
        assertThatThrownBy(() -> new AmdTables(memory, 0x7fff_f000L, 1).translate(EDU, 0))
                .isInstanceOf(MalformedTableException.class);
    }

    @Test
    void doesNotFollowGuestTranslation() {
        entry(1L << 55 | VALID | RW);
        assertThatThrownBy(() -> tables.translate(EDU, 0))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContaining("guest translation");
    }

    @Test
    void endsWhenTablesFormACycle() {
        long top = attach(6, VALID | RW);
        long table = top;
        for (int level = 6; level > 1; level--) {
            long next = memory.allocate();
            for (int i = 0; i < 512; i++) {
                memory.put(table + i * 8L, next | (long) (level - 1) << 9 | 1 | RW);
            }
            table = next;
        }
        assertThatThrownBy(() -> tables.mappings(EDU))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContaining("cycle");
    }
}
