// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Edu;
import dmabuflab.guest.Hwpt;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.Ioas.Holes;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Every allocation that the kernel makes on the way fails once, one after the other, until there is
 * none left to fail: nothing may be left behind half done.
 */
@Catalogue
@Devices({"ivshmem:16M", "edu"})
class IommufdFaults {
    private static final long PAGE = Exporter.PAGE;
    private static final Range[] TWO = {
        new Range(2 << 20, 64 * PAGE), new Range(8 << 20, 600 * PAGE)
    };

    private Exporter exporter;

    /** Whatever has failed, the device can be let go, and nothing of it is left. */
    @AfterEach
    void deviceLetsGo(Testbed bed) {
        DeviceRelease.assertFree(bed, exporter);
    }

    @Test
    @DisplayName("an export that fails leaves no buffer, one that succeeds is whole")
    @Proves("RV6")
    void export(Testbed bed) {
        exporter = bed.exporter();

        int failed =
                AllocationFailures.sweep(
                        bed,
                        "dmabuf.export",
                        Map.of(
                                "dev",
                                exporter.vfio().name(),
                                "bar",
                                exporter.bar(),
                                "name",
                                "swept",
                                "ranges",
                                List.of(
                                        Map.of(
                                                "offset",
                                                TWO[0].offset(),
                                                "length",
                                                TWO[0].length()))),
                        answer -> {
                            assertThat(bed.buffers()).isEqualTo(answer.ok() ? 1 : 0);
                            if (answer.ok()) {
                                bed.agent().call("handle.close", Map.of("name", "swept"));
                            }
                        });
        assertThat(failed).as("allocations that failed").isPositive();
        assertThat(bed.importer(exporter.export(TWO)).query(64).pfn())
                .isEqualTo(exporter.pfn(TWO[1].offset()));
    }

    @Test
    @DisplayName("an attachment that fails leaves none, one that succeeds has exact PFNs")
    @Proves("RV6")
    void attach(Testbed bed) {
        exporter = bed.exporter();
        DmaBuf buffer = exporter.export(TWO);

        int failed =
                AllocationFailures.sweep(
                        bed,
                        "importer.attach",
                        Map.of("dmabuf", buffer.name(), "name", "swept"),
                        answer -> {
                            assertThat(bed.attachments()).isEqualTo(answer.ok() ? 1 : 0);
                            if (answer.ok()) {
                                bed.agent().call("importer.detach", Map.of("name", "swept"));
                            }
                        });
        assertThat(failed).as("allocations that failed").isPositive();
        assertThat(bed.importer(buffer).query(0).pfn()).isEqualTo(exporter.pfn(TWO[0].offset()));
    }

    @Test
    @DisplayName(
            "a mapping that fails leaves nothing in any page table, one that succeeds is whole")
    @Proves({"RV6", "IO1"})
    @Devices({"ivshmem:16M", "edu", "edu"})
    void map(Testbed bed) {
        exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        Edu second = bed.dmaEngine(ioas);
        second.device().attach(Hwpt.alloc(bed.agent(), second.device(), ioas, "second"));
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, edu, TWO);

        int failed =
                AllocationFailures.sweep(
                        bed,
                        "ioas.map",
                        ioas.mapArguments(window.buffer(), DmaWindow.IOVA, 0, window.length()),
                        answer -> {
                            if (answer.ok()) {
                                window.assertMapped();
                                window.seenBy(second).assertMapped();
                                window.unmap();
                            }
                            assertThat(bed.iommu().mappings(edu.device())).isEmpty();
                            assertThat(bed.iommu().mappings(second.device())).isEmpty();
                            assertThat(bed.attachments()).isZero();
                        });
        assertThat(failed).as("allocations that failed").isPositive();
        window.map().assertWorks();
    }

    @Test
    @DisplayName("a revoke cannot fail: whatever it cannot allocate, DMA is cut off")
    @Proves({"RV6", "RV2"})
    void revoke(Testbed bed) {
        exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, bed.dmaEngine(ioas), TWO).map();

        int failed =
                AllocationFailures.sweep(
                        bed,
                        "vfio.command",
                        Map.of("dev", exporter.vfio().name(), "memory", 0),
                        answer -> {
                            if (answer.ok()) {
                                window.assertUnreachable();
                                assertThat(ioas.holes())
                                        .isEqualTo(new Holes(window.length(), window.length()));
                            } else {
                                window.assertMapped();
                            }
                            exporter.vfio().memory(true);
                            window.assertMapped();
                        });
        assertThat(failed).as("allocations of a revoke").isZero();
        window.assertWorks();
    }

    @Test
    @DisplayName("an un-revoke leaves a mapping or a hole that is reported and can be filled")
    @Proves({"RV6", "UR3"})
    void unrevoke(Testbed bed) {
        exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, bed.dmaEngine(ioas), TWO).map();
        exporter.vfio().memory(false);

        int failed =
                AllocationFailures.sweep(
                        bed,
                        "vfio.command",
                        Map.of("dev", exporter.vfio().name(), "memory", 1),
                        answer -> {
                            assertThat(answer.ok()).as("the COMMAND write").isTrue();
                            Holes holes = ioas.holes();
                            if (holes.missing() > 0) {
                                assertThat(holes).isEqualTo(new Holes(window.length(), 0));
                                window.assertUnreachable();
                                assertThat(ioas.restore()).isEqualTo(new Holes(0, 0));
                            }
                            window.assertMapped();
                            exporter.vfio().memory(false);
                            window.assertUnreachable();
                        });
        assertThat(failed).as("allocations that failed").isPositive();
        exporter.vfio().memory(true);
        window.assertWorks();
    }

    @Test
    @DisplayName("unmapping cannot fail for want of memory")
    @Proves("RV6")
    void unmap(Testbed bed) {
        exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, bed.dmaEngine(ioas), TWO).map();

        int failed =
                AllocationFailures.sweep(
                        bed,
                        "ioas.unmap",
                        Map.of(
                                "ioas",
                                ioas.name(),
                                "iova",
                                DmaWindow.IOVA,
                                "length",
                                window.length()),
                        answer -> {
                            // ENOENT is iommufd's self test, which fails to find the address space.
                            assertThat(answer.errno()).as("unmap").isIn("", "ENOENT");
                            if (!answer.ok()) {
                                window.assertMapped();
                                window.unmap();
                            }
                            window.assertUnreachable();
                            assertThat(bed.attachments()).isZero();
                            window.map();
                        });
        assertThat(failed).as("allocations that failed").isPositive();
        window.assertWorks();
    }

    // Not of the device: on 7.3.4 the IOMMU's driver allocates when vfio hands the device back to
    // the default domain, and the kernel warns if it cannot, whether there is a buffer or not.
    @Test
    @DisplayName("closing a buffer cannot fail for want of memory")
    @Proves("RV6")
    void close(Testbed bed) {
        exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(TWO));
        DmaBuf last = exporter.export(TWO);

        int failed =
                AllocationFailures.sweep(
                        bed,
                        "handle.close",
                        Map.of("name", last.name()),
                        answer -> {
                            assertThat(answer.ok()).as("closing the buffer").isTrue();
                            assertThat(bed.buffers()).as("the other one").isEqualTo(1);
                            exporter.vfio().export(exporter.bar(), List.of(TWO), last.name());
                        });
        assertThat(failed).as("allocations of a close").isZero();
        assertThat(importer.query(0).pfn()).isEqualTo(exporter.pfn(TWO[0].offset()));
    }

    @Test
    @DisplayName("a page table that cannot be filled has nothing of any buffer, and is no one's")
    @Proves({"RV6", "IO1"})
    void pageTable(Testbed bed) {
        exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, edu, TWO).map();
        DmaWindow other =
                DmaWindow.of(bed, exporter, ioas, edu, new Range(12 << 20, 32 * PAGE))
                        .part(0, 32 * PAGE, 2 * DmaWindow.IOVA)
                        .map();
        String device = edu.device().name();
        edu.device().detach();

        int failed =
                AllocationFailures.sweep(
                        bed,
                        "vfio.attach",
                        Map.of("dev", device, "pt", ioas.name()),
                        answer -> {
                            exporter.vfio().memory(false);
                            exporter.vfio().memory(true);
                            if (answer.ok()) {
                                window.assertMapped();
                                other.assertMapped();
                                edu.device().detach();
                            }
                            assertThat(bed.iommu().mappings(edu.device())).isEmpty();
                        });
        assertThat(failed).as("allocations that failed").isPositive();
        edu.device().attach(ioas);
        window.assertWorks();
        other.assertWorks();
    }
}
