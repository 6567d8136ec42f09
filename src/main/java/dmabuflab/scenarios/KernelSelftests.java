// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.KernelsWordOnly;
import dmabuflab.scenario.Testbed;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What the kernel's own selftests say of what the series touches: one scenario for each program,
 * and in the report a row for each of its cases.
 */
@Catalogue
@Tag("selftests")
@KernelsWordOnly("what the kernel's own selftests say of the kernel; the peers of this catalogue")
class KernelSelftests {
    /** Of 2 MiB each: some cases want a few, and without them fail. */
    private static final String HUGE_PAGES = "80";

    @Test
    @DisplayName("selftests: iommufd with a mock IOMMU")
    void iommufd(Testbed bed) {
        hugePages(bed);
        bed.selftest("iommu/iommufd");
    }

    @Test
    @DisplayName("selftests: iommufd when each of its allocations fails in turn")
    void iommufdFailNth(Testbed bed) {
        bed.selftest("iommu/iommufd_fail_nth");
    }

    @Test
    @Devices("edu")
    @DisplayName("selftests: a vfio device's memory mappings")
    void vfioDmaMapping(Testbed bed) {
        hugePages(bed);
        bed.selftest("vfio/vfio_dma_mapping_test", bed.vfioDevice("edu"));
    }

    @Test
    @Devices("edu")
    @DisplayName("selftests: BARs mapped for DMA")
    void vfioDmaMappingMmio(Testbed bed) {
        bed.selftest("vfio/vfio_dma_mapping_mmio_test", bed.vfioDevice("edu"));
    }

    @Test
    @Devices("edu")
    @DisplayName("selftests: binding a vfio cdev to an iommufd")
    void vfioIommufdSetup(Testbed bed) {
        bed.selftest("vfio/vfio_iommufd_setup_test", bed.vfioDevice("edu"));
    }

    @Test
    @Devices("edu")
    @DisplayName("selftests: a vfio device's configuration space, BARs, interrupts and reset")
    void vfioPciDevice(Testbed bed) {
        bed.selftest("vfio/vfio_pci_device_test", bed.vfioDevice("edu"));
    }

    @Test
    @Devices("nvme-sriov")
    @DisplayName("selftests: the same of a device with MSI-X and function level reset")
    void vfioPciDeviceMsix(Testbed bed) {
        bed.selftest("vfio/vfio_pci_device_test", bed.vfioDevice("nvme-sriov"));
    }

    @Test
    @Devices({"edu", "edu"})
    @DisplayName("selftests: two vfio devices initialized at once")
    void vfioPciDeviceInitPerf(Testbed bed) {
        bed.selftest(
                "vfio/vfio_pci_device_init_perf_test",
                bed.vfioDevice("edu"),
                bed.vfioDevice("edu"));
    }

    @Test
    @Devices("edu")
    @DisplayName("selftests: DMA by a device for which libvfio has a driver")
    void vfioPciDriver(Testbed bed) {
        bed.selftest("vfio/vfio_pci_driver_test", bed.vfioDevice("edu"));
    }

    @Test
    @Devices("nvme-sriov")
    @DisplayName("selftests: VF tokens of a device with SR-IOV")
    void vfioPciSriovUapi(Testbed bed) {
        write(bed, "/sys/module/vfio_pci/parameters/enable_sriov", "Y");
        bed.selftest("vfio/vfio_pci_sriov_uapi_test", bed.vfioDevice("nvme-sriov"));
    }

    @Test
    @DisplayName("selftests: buffers of the system heap, and vgem as their importer")
    void dmabufHeaps(Testbed bed) {
        bed.selftest("dmabuf-heaps/dmabuf-heap");
    }

    private static void hugePages(Testbed bed) {
        write(bed, "/proc/sys/vm/nr_hugepages", HUGE_PAGES);
    }

    private static void write(Testbed bed, String path, String text) {
        bed.agent().call("file.write", Map.of("path", path, "text", text));
    }
}
