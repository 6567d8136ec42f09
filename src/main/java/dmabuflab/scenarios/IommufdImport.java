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
import dmabuflab.witness.IommuFault;
import dmabuflab.witness.Translation;
import java.util.Optional;
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
    private static final long IOVA = 0x4000_0000L;
    private static final Range SOME = new Range(2 << 20, 64 * PAGE);

    /**
     * The page that DMA uses while it may, and tries again when it may not: in the IOTLB by then.
     */
    private static final long USED = 3 * PAGE;

    @EachIommu
    @DisplayName("the IOMMU table maps each page of the buffer to the frame the hardware decodes")
    @Proves("IO2")
    void tableMatchesBar(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);

        ioas.map(exporter.export(SOME), IOVA, 0, SOME.length());

        assertMapped(bed, edu, exporter, SOME.offset(), SOME.length());
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
        ioas.map(exporter.export(SOME), IOVA, 0, SOME.length());
        BarFile memory = exporter.memory();
        memory.fill();
        BarFile.Snapshot before = memory.snapshot();

        edu.read(IOVA + 5 * PAGE, 0, Edu.TRANSFER);
        edu.write(IOVA + 9 * PAGE, 0, Edu.TRANSFER);

        long source = SOME.offset() + 5 * PAGE;
        long target = SOME.offset() + 9 * PAGE;
        assertThat(memory.read(target, Edu.TRANSFER))
                .isEqualTo(memory.pattern(source, Edu.TRANSFER));
        assertThat(memory.changedRanges(before))
                .containsExactly(new BarFile.Range(target, Edu.TRANSFER));
        assertThat(bed.iommu().faults(edu.device())).isEmpty();
    }

    @Test
    @DisplayName("part of a buffer can be mapped; the rest of it stays out of reach")
    @Proves("IO2")
    void partOfBuffer(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);

        ioas.map(exporter.export(SOME), IOVA, 10 * PAGE, 7 * PAGE);

        assertMapped(bed, edu, exporter, SOME.offset() + 10 * PAGE, 7 * PAGE);
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
        ioas.map(exporter.export(SOME), IOVA, 0, SOME.length());
        edu.read(IOVA + USED, 0, Edu.TRANSFER);

        exporter.vfio().memory(false);

        assertCutOff(bed, edu, exporter);
    }

    @Test
    @DisplayName("after the exporting device is closed DMA faults and the memory stays unchanged")
    @Proves({"RV1", "RV2", "IO2", "UR4"})
    void revokeByClose(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        ioas.map(exporter.export(SOME), IOVA, 0, SOME.length());
        edu.read(IOVA + USED, 0, Edu.TRANSFER);

        exporter.vfio().close();

        assertCutOff(bed, edu, exporter);
    }

    @EachIommu
    @DisplayName("a revoke invalidates the IOTLB before the system call returns")
    @Proves("RV2")
    void revokeFlushesIotlb(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        ioas.map(exporter.export(SOME), IOVA, 0, SOME.length());
        edu.read(IOVA + USED, 0, Edu.TRANSFER);
        long before = bed.iommu().iotlbInvalidations(edu.device(), IOVA);

        exporter.vfio().memory(false);

        assertThat(bed.iommu().iotlbInvalidations(edu.device(), IOVA))
                .as("IOTLB invalidations of the IOVA when the call had returned")
                .isGreaterThan(before);
        assertThat(bed.events(" unmap: ", " iotlb_synced: ", " vfio_move"))
                .as("kernel events of the revoke, in their order")
                .extracting(line -> line.replaceFirst("^.*?\\d: (\\w+): .*", "$1"))
                .containsSubsequence("vfio_move", "unmap", "iotlb_synced", "vfio_moved");
    }

    @Test
    @DisplayName("after revoke and un-revoke a mapping is exact or gone, never stale")
    @Proves("RV2")
    void neverStaleAfterUnrevoke(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        ioas.map(exporter.export(SOME), IOVA, 0, SOME.length());
        exporter.vfio().memory(false);
        assertThat(bed.iommu().mappings(edu.device())).isEmpty();

        exporter.vfio().memory(true);

        assertExactOrGone(bed, edu, exporter);
    }

    @Test
    @DisplayName("VFIO_DEVICE_RESET of the exporter leaves no mapping of before behind")
    @Proves({"RV1", "RV2"})
    void resetDropsMappings(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        ioas.map(exporter.export(SOME), IOVA, 0, SOME.length());
        long before = bed.iommu().iotlbInvalidations(edu.device(), IOVA);

        exporter.vfio().reset();

        assertThat(bed.iommu().iotlbInvalidations(edu.device(), IOVA)).isGreaterThan(before);
        assertThat(bed.events(" unmap: ")).as("unmap events").isNotEmpty();
        assertExactOrGone(bed, edu, exporter);
    }

    @EachIommu
    @DisplayName("unmapping makes DMA fault, and the buffer can be mapped again")
    @Proves("IO2")
    void unmapAndMapAgain(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaBuf buffer = exporter.export(SOME);
        ioas.map(buffer, IOVA, 0, SOME.length());
        edu.read(IOVA + USED, 0, Edu.TRANSFER);

        ioas.unmap(IOVA, SOME.length());

        assertCutOff(bed, edu, exporter);
        ioas.map(buffer, IOVA, 0, SOME.length());
        assertMapped(bed, edu, exporter, SOME.offset(), SOME.length());
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

    /** A mapping may have come back with an un-revoke, but only to the same frame. */
    private static void assertExactOrGone(Testbed bed, Edu edu, Exporter exporter) {
        for (long offset = 0; offset < SOME.length(); offset += PAGE) {
            Optional<Translation> now = bed.iommu().translate(edu.device(), IOVA + offset);
            long exact = exporter.pfn(SOME.offset() + offset);
            assertThat(now.map(Translation::pfn))
                    .as("frame behind IOVA 0x%x", IOVA + offset)
                    .satisfiesAnyOf(
                            frame -> assertThat(frame).isEmpty(),
                            frame -> assertThat(frame).contains(exact));
        }
    }

    private static void assertMapped(
            Testbed bed, Edu edu, Exporter exporter, long barOffset, long length) {
        long first = exporter.pfn(barOffset);
        for (long offset = 0; offset < length; offset += PAGE) {
            assertThat(bed.iommu().translate(edu.device(), IOVA + offset))
                    .as("IOVA 0x%x", IOVA + offset)
                    .hasValueSatisfying(to -> assertThat(to.read() && to.write()).isTrue())
                    .map(Translation::pfn)
                    .hasValue(first + offset / PAGE);
        }
    }

    /** Nothing in the tables, each DMA refused by the hardware, no byte changed. */
    private static void assertCutOff(Testbed bed, Edu edu, Exporter exporter) {
        BarFile memory = exporter.memory();
        memory.fill();
        BarFile.Snapshot before = memory.snapshot();
        int faults = bed.iommu().faults(edu.device()).size();
        assertThat(bed.iommu().mappings(edu.device())).as("IOMMU table").isEmpty();

        edu.write(IOVA + USED, 0, 64);

        assertThat(bed.iommu().faults(edu.device()).stream().skip(faults))
                .as("faults of a DMA write after access has ended")
                .isNotEmpty()
                .allSatisfy(
                        fault -> {
                            assertThat(fault.page()).isEqualTo(IOVA + USED);
                            assertThat(fault.couldBe(IommuFault.Access.WRITE)).isTrue();
                        });
        bed.iommu()
                .lastFaultRecord()
                .ifPresent(
                        fault ->
                                assertThat(fault)
                                        .as("fault recording register")
                                        .matches(f -> f.page() == IOVA + USED)
                                        .matches(f -> f.couldBe(IommuFault.Access.WRITE)));
        assertThat(memory.changedRanges(before)).as("memory behind the BAR").isEmpty();
    }
}
