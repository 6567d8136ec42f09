// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Edu;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.EachIommu;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.BarFile;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * iommufd as importer, with a real DMA engine behind the IOMMU: what it reaches is read from the
 * page tables and seen in the memory, not taken from the kernel's word.
 */
@Catalogue
@Devices({"ivshmem:16M", "edu"})
class IommufdImport {
    private static final long PAGE = Exporter.PAGE;
    private static final long IOVA = DmaWindow.IOVA;
    private static final Range SOME = new Range(2 << 20, 64 * PAGE);

    @EachIommu
    @DisplayName("the IOMMU table maps each page of the buffer to the frame the hardware decodes")
    @Proves("IO2")
    void tableMatchesBar(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);

        DmaWindow window = DmaWindow.of(bed, exporter, ioas, edu, SOME).map();

        window.assertMapped();
        assertThat(bed.iommu().translate(edu.device(), IOVA - PAGE)).isEmpty();
        assertThat(bed.iommu().translate(edu.device(), IOVA + SOME.length())).isEmpty();
    }

    @EachIommu
    @DisplayName("DMA through the buffer reads and writes the memory behind the BAR, and only that")
    @Proves("IO2")
    void dmaReachesMemory(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, edu, SOME).map();

        window.assertDma(5 * PAGE, 9 * PAGE);
    }

    @Test
    @DisplayName("part of a buffer can be mapped; the rest of it stays out of reach")
    @Proves("IO2")
    void partOfBuffer(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow whole = DmaWindow.of(bed, exporter, ioas, edu, SOME);

        DmaWindow part = whole.part(10 * PAGE, 7 * PAGE, IOVA).map();

        part.assertWorks();
        assertThat(bed.iommu().translate(edu.device(), IOVA - PAGE)).isEmpty();
        assertThat(bed.iommu().translate(edu.device(), IOVA + 7 * PAGE)).isEmpty();
    }

    @EachIommu
    @DisplayName(
            "after COMMAND.MEM is cleared DMA faults, the table is empty, the memory unchanged")
    @Proves({"RV1", "RV2", "IO2"})
    void revokeByCommand(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, edu, SOME).map();
        window.assertWorks();

        exporter.vfio().memory(false);

        window.assertCutOff();
        assertThat(bed.iommu().mappings(edu.device())).as("everything DMA can reach").isEmpty();
    }

    @EachIommu
    @DisplayName("a revoke invalidates the IOTLB before the system call returns")
    @Proves("RV2")
    void revokeFlushesIotlb(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, edu, SOME).map();
        window.assertWorks();
        long before = window.invalidations();

        exporter.vfio().memory(false);

        assertThat(window.invalidations())
                .as("IOTLB invalidations of the IOVA when the call had returned")
                .isGreaterThan(before);
        assertThat(bed.events(" unmap: ", " iotlb_synced: ", " vfio_move"))
                .as("kernel events of the revoke, in their order")
                .extracting(line -> line.replaceFirst("^.*?\\d: (\\w+): .*", "$1"))
                .containsSubsequence("vfio_move", "unmap", "iotlb_synced", "vfio_moved");
    }

    @EachIommu
    @DisplayName("unmapping makes DMA fault, and the buffer can be mapped again")
    @Proves("IO2")
    void unmapAndMapAgain(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, edu, SOME).map();
        window.assertWorks();

        window.unmap();

        window.assertCutOff();
        window.map().assertWorks();
    }

    @Test
    @DisplayName("mapping a revoked buffer is refused and leaves nothing behind")
    @Proves({"PQ3", "IO2"})
    void mapWhileRevoked(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaBuf buffer = exporter.export(SOME);
        exporter.vfio().memory(false);

        assertThat(ioas.tryMap(buffer, IOVA, 0, SOME.length()).errno()).isEqualTo("ENODEV");

        assertThat(bed.attachments()).isZero();
        buffer.close();
        assertThat(bed.buffers()).as("dma-bufs that the refused mapping keeps").isZero();
        assertThat(bed.iommu().mappings(edu.device())).isEmpty();
    }

    // QEMU's AMD-Vi drops such a write without a word.
    @Test
    @DisplayName("what is mapped for reading only can be read by DMA, and a write is refused")
    @Proves("IO1")
    void readOnly(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        ioas.mapReadOnly(exporter.export(SOME), IOVA, 0, SOME.length());
        exporter.memory().fill();
        BarFile.Snapshot before = exporter.memory().snapshot();

        edu.read(IOVA, 0, Edu.TRANSFER);
        assertThat(bed.iommu().faults(edu.device())).as("faults of a read").isEmpty();
        edu.write(IOVA + PAGE, 0, Edu.TRANSFER);

        assertThat(bed.iommu().faults(edu.device())).as("faults of a write").isNotEmpty();
        assertThat(exporter.memory().changedRanges(before)).as("memory that changed").isEmpty();
        assertThat(bed.iommu().translate(edu.device(), IOVA))
                .hasValueSatisfying(to -> assertThat(to.read() && !to.write()).isTrue());
    }
}
