// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dmabuflab.guest.Edu;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.Mapping;
import java.util.stream.LongStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** iommufd as importer of buffers that are large, in pieces, or at odd places. */
@Catalogue
@Devices({"ivshmem:64M", "edu"})
class IommufdBulk {
    private static final long PAGE = Exporter.PAGE;
    private static final long MIB = 1 << 20;
    private static final long GIB = 1 << 30;

    @Test
    @DisplayName("16 GiB of BAR are mapped by 1 GiB pages, cut off and restored as a whole")
    @Proves({"IO1", "PQ5", "RV2", "UR3"})
    @Devices({"ivshmem:16G", "edu"})
    void sixteenGib(Testbed bed) {
        assumeFalse(
                bed.kernelHas("CONFIG_KASAN"),
                "KASAN would shadow the BAR with 2 GiB, the guest has 1.5; run it without");
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow window =
                DmaWindow.of(bed, exporter, ioas, edu, new Range(0, exporter.size()))
                        .part(0, exporter.size(), 64 * GIB)
                        .map();
        assertThat(exporter.pfn(0) * PAGE).as("BAR above 4 GiB").isGreaterThanOrEqualTo(4 * GIB);
        assertPageSize(bed, edu, GIB);
        window.assertWorks();
        window.assertDma(5 * GIB + 3 * PAGE, 12 * GIB - PAGE);

        exporter.vfio().memory(false);

        window.assertCutOff();
        exporter.vfio().memory(true);
        assertPageSize(bed, edu, GIB);
        window.assertWorks();
    }

    @Test
    @DisplayName("pages are as large as frame and IOVA allow together")
    @Proves("IO1")
    void largePages(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow aligned =
                DmaWindow.of(bed, exporter, ioas, edu, new Range(2 * MIB, 8 * MIB)).map();
        aligned.assertWorks();
        assertPageSize(bed, edu, 2 * MIB);
        aligned.unmap();

        DmaWindow shifted = aligned.part(0, 8 * MIB, DmaWindow.IOVA + PAGE).map();

        shifted.assertWorks();
        assertPageSize(bed, edu, PAGE);
    }

    @Test
    @DisplayName("a buffer with a hole, as for an MSI-X table, has no hole in the IOVA")
    @Proves({"IO1", "PQ5", "UR3"})
    void holeInTheBar(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Range before = new Range(0, 3 * MIB + 5 * PAGE);
        Range after = new Range(before.length() + 2 * PAGE, 4 * MIB);
        DmaWindow window =
                DmaWindow.of(bed, exporter, ioas, bed.dmaEngine(ioas), before, after).map();
        window.assertWorks();
        window.assertDma(before.length() - PAGE, before.length());

        exporter.vfio().memory(false);

        window.assertCutOff();
        exporter.vfio().memory(true);
        window.assertWorks();
    }

    @Test
    @DisplayName("single pages out of order, and a part that begins and ends inside of them")
    @Proves({"IO1", "PQ5", "UR3"})
    void singlePages(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Range[] pages =
                LongStream.range(0, 64)
                        .mapToObj(i -> new Range((63 - i) * 3 * PAGE, PAGE))
                        .toArray(Range[]::new);
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, bed.dmaEngine(ioas), pages).map();
        DmaWindow part = window.part(7 * PAGE, 20 * PAGE, DmaWindow.IOVA / 2).map();
        window.assertWorks();
        part.assertWorks();

        exporter.vfio().memory(false);

        window.assertCutOff();
        part.assertCutOff();
        exporter.vfio().memory(true);
        window.assertWorks();
        part.assertWorks();
    }

    @Test
    @DisplayName("a part that begins beyond 4 GiB is that part")
    @Proves({"IO1", "IO2", "PQ5"})
    @Devices({"ivshmem:8G", "edu"})
    void partBeyondFourGib(Testbed bed) {
        assumeFalse(
                bed.kernelHas("CONFIG_KASAN"),
                "KASAN would shadow the BAR with 1 GiB, the guest has 1.5; run it without");
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        DmaWindow window =
                DmaWindow.of(bed, exporter, ioas, bed.dmaEngine(ioas), new Range(0, 8 * GIB))
                        .part(5 * GIB, 8 * MIB, DmaWindow.IOVA)
                        .map();
        window.assertWorks();

        exporter.vfio().memory(false);

        window.assertCutOff();
        exporter.vfio().memory(true);
        window.assertWorks();
    }

    private static void assertPageSize(Testbed bed, Edu edu, long size) {
        assertThat(bed.iommu().mappings(edu.device()))
                .as("page sizes")
                .extracting(Mapping::pageSize)
                .containsOnly(size);
    }
}
