// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.KernelsWordOnly;
import dmabuflab.scenario.Testbed;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What KVM's own selftests say of memory slots, guest_memfd and memory attributes, on emulated SVM
 * with nested paging: one scenario for each program.
 */
@Catalogue
@Tag("selftests")
@KernelsWordOnly("what the kernel's own selftests say of the kernel; the peers of this catalogue")
class KvmSelftests {

    @Test
    @DisplayName("selftests: memory slots added, moved, deleted and refused")
    void setMemoryRegion(Testbed bed) {
        // Of ten rounds, as it does without being told, most of the time is slept.
        bed.selftestWithoutTap("kvm/set_memory_region_test", "3");
    }

    @Test
    @DisplayName("selftests: guest_memfd")
    void guestMemfd(Testbed bed) {
        bed.selftestWithoutTap("kvm/guest_memfd_test");
    }

    @Test
    @DisplayName("selftests: memory faulted in ahead while its slot is deleted")
    void preFaultMemory(Testbed bed) {
        bed.selftestWithoutTap("kvm/pre_fault_memory_test");
    }

    @Test
    @DisplayName("selftests: memory of a slot converted between shared and private")
    void privateMemConversions(Testbed bed) {
        bed.selftestWithoutTap("kvm/x86/private_mem_conversions_test", "-n", "2", "-m", "2");
    }

    @Test
    @DisplayName("selftests: exits for private accesses that no slot can serve")
    void privateMemKvmExits(Testbed bed) {
        bed.selftestWithoutTap("kvm/x86/private_mem_kvm_exits_test");
    }

    @Test
    @DisplayName("selftests: slots added and deleted while virtual CPUs write to others")
    void memslotModificationStress(Testbed bed) {
        bed.selftestWithoutTap(
                "kvm/memslot_modification_stress_test", "-v", "2", "-b", "4M", "-i", "30");
    }
}
