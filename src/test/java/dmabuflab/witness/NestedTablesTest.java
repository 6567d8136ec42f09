// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NestedTablesTest {
    private static final long GPA = 5L << 30;
    private static final long BAR = 0x9_1020_0000L;
    private static final long PAGE = 4096;
    private static final long MIB2 = 2L << 20;
    private static final long NOTHING = 0x8000_0000_0000_0000L;

    /** What KVM puts into each entry that leads to another table. */
    private static final long TABLE = 0x827;

    /** What KVM puts into a leaf for a writable slot. */
    private static final long LEAF = 0xe67;

    private final TestMemory memory = new TestMemory(1 << 20);
    private final long root = table();
    private final NestedTables tables = new NestedTables(memory, root, 4);

    private long table() {
        long table = memory.allocate();
        for (int i = 0; i < 512; i++) {
            memory.put(table + i * 8L, NOTHING);
        }
        return table;
    }

    /** Address of the entry of a level for a GPA, with the way to it. */
    private long slot(int levels, int level, long top, long gpa) {
        long table = top;
        for (int at = levels; ; at--) {
            long slot = table + ((gpa >>> (12 + 9 * (at - 1))) & 511) * 8;
            if (at == level) {
                return slot;
            }
            if (memory.readLong(slot) == NOTHING) {
                memory.put(slot, table() | TABLE);
            }
            table = memory.readLong(slot) & 0xff_ffff_f000L;
        }
    }

    private void map(int level, long gpa, long entry) {
        memory.put(slot(4, level, root, gpa), entry);
    }

    @Test
    void aPage() {
        map(1, GPA, BAR | LEAF);

        assertThat(tables.translate(GPA + 0x123))
                .contains(
                        new NestedLeaf(
                                GPA,
                                BAR,
                                PAGE,
                                true,
                                true,
                                true,
                                MemoryType.WB,
                                true,
                                true,
                                BAR | LEAF));
        assertThat(tables.translate(GPA + PAGE)).isEmpty();
        assertThat(tables.translate(GPA - 1)).isEmpty();
        assertThat(tables.way(GPA)).contains("level 4 0x", "level 1 0x0000000910200e67");
        assertThat(tables.way(0)).doesNotContain("level 2");
    }

    @Test
    void largePages() {
        map(2, GPA, BAR | LEAF | 0x80);
        map(3, 7L << 30, (9L << 30) | LEAF | 0x80);

        NestedLeaf leaf = tables.translate(GPA + 5 * PAGE).orElseThrow();
        assertThat(leaf.order()).isEqualTo(9);
        assertThat(leaf.pfn()).isEqualTo(BAR / PAGE);
        assertThat(leaf.pfn(GPA + 5 * PAGE)).isEqualTo(BAR / PAGE + 5);
        assertThatThrownBy(() -> leaf.pfn(GPA + MIB2)).hasMessageContaining("is not in");
        assertThat(tables.translate(7L << 30))
                .hasValueSatisfying(huge -> assertThat(huge.order()).isEqualTo(18));
    }

    @Test
    void aRangeHasWhatOverlapsIt() {
        map(2, GPA, BAR | LEAF | 0x80);
        for (long offset = 0; offset < MIB2; offset += PAGE) {
            map(1, GPA + MIB2 + offset, (BAR + MIB2 + offset) | LEAF);
        }

        assertThat(tables.leaves(0, 1L << 48)).hasSize(513);
        assertThat(tables.leaves(GPA + MIB2 - 1, 2))
                .extracting(NestedLeaf::gpa)
                .containsExactly(GPA, GPA + MIB2);
        assertThat(tables.leaves(GPA + MIB2 + PAGE, 3 * PAGE))
                .extracting(NestedLeaf::pfn)
                .containsExactly(BAR / PAGE + 513, BAR / PAGE + 514, BAR / PAGE + 515);
        assertThat(tables.leaves(GPA + 2 * MIB2, MIB2)).isEmpty();
        assertThatThrownBy(() -> tables.leaves(GPA, 0)).hasMessageContaining("is not in");
        assertThatThrownBy(() -> tables.leaves(1L << 48, 1)).hasMessageContaining("is not in");
    }

    @Test
    void fiveLevels() {
        long top = table();
        long gpa = 3L << 48;
        memory.put(slot(5, 1, top, gpa), BAR | LEAF);

        assertThat(new NestedTables(memory, top, 5).translate(gpa)).isPresent();
        assertThatThrownBy(() -> new NestedTables(memory, top, 3))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void permissionsAreThoseOfTheWholeWay() {
        map(1, GPA, (BAR | LEAF) & ~2L);
        map(1, GPA + PAGE, BAR | LEAF | NOTHING);
        map(1, GPA + MIB2, BAR | LEAF);
        long above = slot(4, 2, root, GPA + MIB2);
        memory.put(above, (memory.readLong(above) & ~2L) | NOTHING);
        map(1, GPA + 2 * MIB2, (BAR | LEAF) & ~4L);

        assertThat(tables.leaves(GPA, 2 * MIB2))
                .extracting(leaf -> (leaf.write() ? "w" : "-") + (leaf.execute() ? "x" : "-"))
                .containsExactly("-x", "w-", "--");
        assertThat(tables.translate(GPA + 2 * MIB2)).as("a supervisor's page").isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "1, 0x00, WB", "1, 0x08, WC", "1, 0x10, UC_MINUS", "1, 0x18, UC",
        "1, 0x80, WB", "1, 0x88, WP", "1, 0x90, UC_MINUS", "1, 0x98, WT",
        "2, 0x0080, WB", "2, 0x0098, UC", "2, 0x1098, WT", "3, 0x1088, WP"
    })
    void theMemoryTypeIsLinuxsPatEntry(int level, String bits, MemoryType type) {
        map(level, GPA, GPA | LEAF | Long.decode(bits));

        assertThat(tables.translate(GPA).orElseThrow().memoryType()).isEqualTo(type);
        assertThat(tables.translate(GPA).orElseThrow().physical()).isEqualTo(GPA);
    }

    @Test
    void marksOfKvmThatMapNothing() {
        map(1, GPA, NestedTables.KVM_FROZEN);
        map(1, GPA + PAGE, NestedTables.KVM_MMIO | (GPA + PAGE) | 0x7 | (0x123L << 52) | 0x3f8);

        assertThat(tables.leaves(GPA, 2 * PAGE)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "1, 0x0, not as KVM leaves such entries",
        "1, 0x910200e66, not as KVM leaves such entries",
        "1, 0x910200667, not to KVM",
        "1, 0x010000910200e67, reserved bits 0x10000000000",
        "1, 0x10000910200e67, reserved bits 0x10000000000000",
        "1, 0x8000000000007, emulated MMIO of another address",
        "2, 0x8000140000007, emulated MMIO of another address",
        "2, 0x910300ee7, not aligned",
        "3, 0x910200ee7, not aligned",
        "4, 0xee7, page size at this level",
        "2, 0xfffffff827, outside the 1048576 bytes",
    })
    void whatKvmNeverBuildsIsAnError(int level, String entry, String problem) {
        map(level, GPA, Long.parseUnsignedLong(entry.substring(2), 16));

        assertThatThrownBy(() -> tables.translate(GPA))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContaining(problem);
    }

    @Test
    void aPageThatIsNoTableIsAnError() {
        long empty = memory.allocate();

        assertThatThrownBy(() -> new NestedTables(memory, empty, 4).translate(GPA))
                .isInstanceOf(MalformedTableException.class);
        assertThatThrownBy(() -> new NestedTables(memory, 2 << 20, 4).translate(GPA))
                .hasMessageContaining("outside");
        assertThatThrownBy(() -> new NestedTables(memory, root | 8, 4))
                .hasMessageContaining("nested CR3");
    }

    @Test
    void tablesThatPointBackDoNotGoOnForever() {
        for (int i = 0; i < 512; i++) {
            memory.put(root + i * 8L, root | TABLE);
        }

        assertThatThrownBy(() -> tables.leaves(0, 1L << 48))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContaining("cycle");
    }
}
