// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The size of the pages that a dma-buf is mapped by: as large as it can be, and no larger. */
@Catalogue
class KvmHugePages {
    private static final long PAGE = Exporter.PAGE;
    private static final long MIB = 1 << 20;
    private static final long GIB = 1 << 30;
    private static final int SMALL = 0;
    private static final int HUGE = 9;
    private static final int GIANT = 18;

    /** A multiple of 1 GiB. */
    private static final long GPA = KvmWindow.GPA;

    @Test
    @DisplayName("an aligned part of 2 MiB is one page, what is left at the ends is small pages")
    @Proves({"KV1", "PQ4"})
    @Devices("ivshmem:16M")
    void twoMebibytes(Testbed bed) {
        Exporter exporter = bed.exporter();
        Range range = new Range(0, 8 * MIB);
        KvmWindow window =
                KvmWindow.of(bed, exporter, range).part(1, MIB, 6 * MIB, GPA + MIB).set();

        window.assertWorks();
        window.assertReaches(MIB);
        window.assertReaches(5 * MIB - 8);

        assertOrder(window, GPA + MIB, SMALL);
        assertOrder(window, GPA + 2 * MIB, HUGE);
        assertOrder(window, GPA + 6 * MIB - 1, HUGE);
        assertOrder(window, GPA + 7 * MIB - 1, SMALL);
        exporter.vfio().memory(false);
        window.assertZapped();
    }

    @Test
    @DisplayName("a whole GiB is one page, and a revoke takes it away")
    @Proves({"KV1", "KV2", "PQ4"})
    @Devices("ivshmem:2G")
    void wholeGibibyte(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, new Range(GIB, GIB)).set();

        window.vcpu().write(GPA + 123 * PAGE, 1);

        assertThat(exporter.memory().readLong(GIB + 123 * PAGE)).isEqualTo(1);
        assertThat(window.nested().leaves(GPA, GIB))
                .singleElement()
                .matches(leaf -> leaf.order() == GIANT)
                .matches(leaf -> leaf.pfn() == exporter.pfn(GIB));
        exporter.vfio().memory(false);
        window.assertZapped();
        exporter.vfio().memory(true);
        window.vcpu().write(GPA + 124 * PAGE, 2);
        assertOrder(window, GPA, GIANT);
    }

    @Test
    @DisplayName("where GPA and offset are not aligned to each other all pages are small")
    @Proves({"KV1", "PQ4"})
    @Devices("ivshmem:16M")
    void misaligned(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window =
                KvmWindow.of(bed, exporter, new Range(0, 16 * MIB))
                        .part(1, PAGE, 8 * MIB, GPA)
                        .set();

        window.assertWorks();
        window.assertReaches(4 * MIB);

        assertThat(window.nested().leaves(GPA, 8 * MIB))
                .isNotEmpty()
                .allMatch(leaf -> leaf.order() == SMALL);
    }

    @Test
    @DisplayName("a range that ends within 2 MiB is not mapped beyond its end")
    @Proves({"KV1", "PQ4"})
    @Devices("ivshmem:16M")
    void rangeEndsEarly(Testbed bed) {
        Exporter exporter = bed.exporter();
        Range[] ranges = {new Range(0, 3 * MIB), new Range(8 * MIB, 5 * MIB)};
        KvmWindow window = KvmWindow.of(bed, exporter, ranges).set();

        window.assertWorks();
        window.assertReaches(2 * MIB);
        window.assertReaches(3 * MIB - 8);
        window.assertReaches(3 * MIB);
        window.assertReaches(4 * MIB);

        assertOrder(window, GPA, HUGE);
        assertOrder(window, GPA + 2 * MIB, SMALL);
        assertOrder(window, GPA + 3 * MIB, SMALL);
        // 4 MiB of the buffer is 9 MiB of the BAR.
        assertOrder(window, GPA + 4 * MIB, SMALL);
    }

    @Test
    @DisplayName("where they are aligned to 2 MiB only, no page is larger")
    @Proves({"KV1", "PQ4"})
    @Devices("ivshmem:2G")
    void alignedToTwoMebibytes(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window =
                KvmWindow.of(bed, exporter, new Range(0, 2 * GIB)).part(1, 2 * MIB, GIB, GPA).set();

        window.vcpu().write(GPA + 123 * PAGE, 1);
        window.vcpu().write(GPA + GIB - PAGE, 2);

        assertThat(exporter.memory().readLong(2 * MIB + 123 * PAGE)).isEqualTo(1);
        assertThat(exporter.memory().readLong(2 * MIB + GIB - PAGE)).isEqualTo(2);
        assertOrder(window, GPA, HUGE);
        window.assertExact();
    }

    private static void assertOrder(KvmWindow window, long gpa, int order) {
        assertThat(window.nested().translate(gpa & -PAGE))
                .hasValueSatisfying(
                        leaf ->
                                assertThat(leaf.order())
                                        .as("order of the page at 0x%x", gpa)
                                        .isEqualTo(order));
    }
}
