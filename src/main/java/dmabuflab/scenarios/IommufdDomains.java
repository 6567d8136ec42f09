// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Edu;
import dmabuflab.guest.Fault;
import dmabuflab.guest.Hwpt;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.Ioas.Holes;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.EachIommu;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Revoke and un-revoke, whatever page tables there are then, and when there is no memory for them.
 */
@Catalogue
@Devices({"ivshmem:16M", "edu", "edu"})
class IommufdDomains {
    private static final long PAGE = Exporter.PAGE;
    private static final Range SOME = new Range(2 << 20, 64 * PAGE);
    private static final Range[] TWO = {
        new Range(2 << 20, 64 * PAGE), new Range(8 << 20, 64 * PAGE)
    };

    @EachIommu
    @DisplayName("a page table that joins while access is revoked is filled at un-revoke")
    @Proves({"UR3", "RV2"})
    void attachedWhileRevoked(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu idle = bed.dmaEngine(ioas);
        DmaWindow seen = DmaWindow.of(bed, exporter, ioas, idle, SOME).map();
        exporter.vfio().memory(false);
        Edu edu = bed.dmaEngine(ioas);
        Hwpt late = Hwpt.alloc(bed.agent(), edu.device(), ioas, "late");
        edu.device().attach(late);
        seen.seenBy(edu).assertCutOff();

        exporter.vfio().memory(true);

        seen.assertWorks();
        seen.seenBy(edu).assertWorks();
    }

    @Test
    @DisplayName("a page table that joins after revoke and un-revoke has all of the buffer")
    @Proves("UR3")
    void attachedAfter(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu idle = bed.dmaEngine(ioas);
        idle.device().detach();
        DmaWindow seen = DmaWindow.of(bed, exporter, ioas, idle, SOME).map();
        exporter.vfio().memory(false);
        exporter.vfio().memory(true);

        Edu edu = bed.dmaEngine(ioas);

        seen.seenBy(edu).assertWorks();
    }

    @EachIommu
    @DisplayName("two page tables of an address space are both cut off, and both restored")
    @Proves({"RV2", "UR3"})
    void twoPageTables(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu first = bed.dmaEngine(ioas);
        Edu second = bed.dmaEngine(ioas);
        second.device().attach(Hwpt.alloc(bed.agent(), second.device(), ioas, "second"));
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, first, SOME).map();
        window.assertWorks();
        window.seenBy(second).assertWorks();

        exporter.vfio().memory(false);

        window.assertCutOff();
        window.seenBy(second).assertCutOff();
        exporter.vfio().memory(true);
        window.assertWorks();
        window.seenBy(second).assertWorks();
    }

    @Test
    @DisplayName("two address spaces that map one buffer are both cut off, and both restored")
    @Proves({"RV2", "UR3"})
    void twoAddressSpaces(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas one = bed.ioas();
        Ioas other = bed.ioas();
        DmaWindow whole = DmaWindow.of(bed, exporter, one, bed.dmaEngine(one), TWO).map();
        DmaWindow part =
                whole.in(other, bed.dmaEngine(other))
                        .part(32 * PAGE, 64 * PAGE, DmaWindow.IOVA / 2)
                        .map();
        whole.assertWorks();
        part.assertWorks();

        exporter.vfio().memory(false);

        whole.assertCutOff();
        part.assertCutOff();
        exporter.vfio().memory(true);
        whole.assertWorks();
        part.assertWorks();
    }

    @Test
    @DisplayName("a device detached while access is revoked finds all of it when it is back")
    @Proves({"UR3", "RV2"})
    void detachedWhileRevoked(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, edu, SOME).map();
        exporter.vfio().memory(false);
        edu.device().detach();
        exporter.vfio().memory(true);
        assertThat(bed.iommu().mappings(edu.device())).as("of a detached device").isEmpty();

        edu.device().attach(ioas);

        window.assertWorks();
    }

    @Test
    @DisplayName("what was unmapped while access was revoked does not come back")
    @Proves({"UR3", "RV2"})
    void unmappedWhileRevoked(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, edu, TWO).map();
        DmaWindow kept = window.part(0, 16 * PAGE, DmaWindow.IOVA / 2).map();
        exporter.vfio().memory(false);

        window.unmap();
        exporter.vfio().memory(true);

        window.assertCutOff();
        kept.assertWorks();
        window.map().assertWorks();
    }

    @Test
    @DisplayName("a revoked mapping is reported as missing, and asking does not bring it back")
    @Proves("UR3")
    void revokedIsReported(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, bed.dmaEngine(ioas), SOME).map();
        assertThat(ioas.holes()).isEqualTo(new Holes(0, 0));
        exporter.vfio().memory(false);

        assertThat(ioas.restore()).isEqualTo(new Holes(SOME.length(), SOME.length()));

        window.assertCutOff();
        exporter.vfio().memory(true);
        assertThat(ioas.holes()).isEqualTo(new Holes(0, 0));
        window.assertWorks();
    }

    @Test
    @DisplayName("what cannot be restored is a hole, wholly, is reported, and can be tried again")
    @Proves({"UR3", "RV6"})
    void holeUntilRestored(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu first = bed.dmaEngine(ioas);
        Edu second = bed.dmaEngine(ioas);
        second.device().attach(Hwpt.alloc(bed.agent(), second.device(), ioas, "second"));
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, first, TWO).map();
        Fault fault = new Fault(bed.agent());
        exporter.vfio().memory(false);

        // The first range goes into one page table, the second is refused.
        fault.function("iommu_map", "ENOMEM", 1, 1);
        exporter.vfio().memory(true);
        assertThat(fault.clear()).as("mappings refused").isEqualTo(1);

        assertThat(ioas.holes()).isEqualTo(new Holes(window.length(), 0));
        DmaWindow other = window.seenBy(second);
        boolean firstHasIt = !bed.iommu().mappings(first.device()).isEmpty();
        (firstHasIt ? other : window).assertCutOff();
        (firstHasIt ? window : other).assertWorks();
        assertThat(ioas.restore()).as("missing after another try").isEqualTo(new Holes(0, 0));
        window.assertWorks();
        other.assertWorks();
    }

    @Test
    @DisplayName("a hole is filled by the next un-revoke, without being asked for")
    @Proves("UR3")
    void holeUntilNextUnrevoke(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, bed.dmaEngine(ioas), TWO).map();
        Fault fault = new Fault(bed.agent());
        exporter.vfio().memory(false);
        fault.function("iommu_map", "ENOMEM", 1, 0);
        exporter.vfio().memory(true);
        assertThat(fault.clear()).as("mappings refused").isEqualTo(1);
        window.assertCutOff();

        exporter.vfio().memory(false);
        exporter.vfio().memory(true);

        window.assertWorks();
    }
}
