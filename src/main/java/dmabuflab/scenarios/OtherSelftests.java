// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.EachSelftestBut;
import dmabuflab.scenario.KernelsWordOnly;
import dmabuflab.scenario.SelftestProgram;
import dmabuflab.scenario.Testbed;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;

/** Selftests that somebody's series or tree brings along: none on the lab's own targets. */
@Catalogue
@Tag("selftests")
@KernelsWordOnly("what the kernel's own selftests say of the kernel; the peers of this catalogue")
class OtherSelftests {

    @EachSelftestBut({
        "dmabuf-heaps/dmabuf-heap",
        "iommu/iommufd",
        "iommu/iommufd_fail_nth",
        "kvm/guest_memfd_test",
        "kvm/memslot_modification_stress_test",
        "kvm/pre_fault_memory_test",
        "kvm/set_memory_region_test",
        "kvm/x86/private_mem_conversions_test",
        "kvm/x86/private_mem_kvm_exits_test",
        "vfio/vfio_dma_mapping_mmio_test",
        "vfio/vfio_dma_mapping_test",
        "vfio/vfio_iommufd_setup_test",
        "vfio/vfio_pci_device_init_perf_test",
        "vfio/vfio_pci_device_test",
        "vfio/vfio_pci_driver_test",
        "vfio/vfio_pci_sriov_uapi_test"
    })
    @Devices("edu")
    @DisplayName("selftests: those of a series or tree that 7.3 has not")
    void program(SelftestProgram test, Testbed bed) {
        // libvfio takes the device from the last argument.
        if (test.suite().equals("vfio")) {
            bed.selftestWithoutTap(test.toString(), bed.vfioDevice("edu"));
        } else {
            bed.selftestWithoutTap(test.toString());
        }
    }
}
