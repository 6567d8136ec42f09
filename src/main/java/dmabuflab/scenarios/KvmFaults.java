// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Exit;
import dmabuflab.guest.Fault;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Every allocation on the way of a slot fails once: nothing may be left behind half done. */
@Catalogue
@Devices("ivshmem:16M")
class KvmFaults {
    private static final Range SOME = new Range(2 << 20, 64 * Exporter.PAGE);

    private Exporter exporter;

    /** Whatever has failed, the device can be let go, and nothing of it is left. */
    @AfterEach
    void deviceLetsGo(Testbed bed) {
        DeviceRelease.assertFree(bed, exporter);
    }

    @Test
    @DisplayName("a slot that fails leaves no attachment, one that succeeds works")
    @Proves({"KV3", "RV6"})
    void set(Testbed bed) {
        exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME);

        int failed =
                AllocationFailures.sweep(
                        bed,
                        "kvm.memslot",
                        window.slot().arguments(window.vm()),
                        answer -> {
                            assertThat(bed.attachments()).isEqualTo(answer.ok() ? 1 : 0);
                            if (answer.ok()) {
                                window.assertWorks();
                                window.delete();
                            }
                            window.assertUnmapped();
                        });
        assertThat(failed).as("allocations that failed").isPositive();
        window.set().assertWorks();
    }

    @Test
    @DisplayName("a slot whose deletion fails still works, and can be deleted")
    @Proves({"KV3", "RV6"})
    void delete(Testbed bed) {
        exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        window.assertWorks();

        int failed =
                AllocationFailures.sweep(
                        bed,
                        "kvm.memslot",
                        window.slot().deleted().arguments(window.vm()),
                        answer -> {
                            assertThat(bed.attachments()).isEqualTo(answer.ok() ? 0 : 1);
                            if (answer.ok()) {
                                window.set();
                            }
                            window.assertWorks();
                        });
        assertThat(failed).as("allocations that failed").isPositive();
        window.delete();
        assertThat(bed.attachments()).isZero();
    }

    // A vCPU keeps what it has allocated for its tables, so each attempt needs a machine of its
    // own.
    @Test
    @DisplayName("a page fault that fails can be had again, and reaches what it should")
    @Proves({"KV1", "KV4"})
    void fault(Testbed bed) {
        exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME);
        exporter.memory().fill();
        long content = exporter.memory().readLong(SOME.offset() + KvmWindow.USED);
        Fault fault = new Fault(bed.agent());
        int failed = 0;
        boolean injected = true;
        for (int n = 1; injected; n++) {
            KvmWindow fresh = window.in(bed.vm()).set();
            Map<String, Object> read = fresh.vcpu().arguments(KvmWindow.GPA + KvmWindow.USED);
            Fault.Injection injection = fault.nth(n, "vcpu.read", read);
            injected = injection.injected();
            Answer answer = injection.answer();
            if (!answer.ok() || !new Exit(answer).complete()) {
                assertThat(answer.errno()).as("allocation %d", n).isEqualTo("ENOMEM");
                failed++;
            }
            assertThat(fresh.vcpu().read(KvmWindow.GPA + KvmWindow.USED)).isEqualTo(content);
            fresh.vcpu().close();
            fresh.vm().close();
        }
        assertThat(failed).as("allocations that made it fail").isPositive();
        assertThat(bed.attachments()).isZero();
        window.set().assertWorks();
    }

    @Test
    @DisplayName("a revoke cannot fail: whatever it cannot allocate, vCPUs are cut off")
    @Proves({"RV6", "RV2", "KV2"})
    void revoke(Testbed bed) {
        exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        window.assertWorks();

        int failed =
                AllocationFailures.sweep(
                        bed,
                        "vfio.command",
                        Map.of("dev", exporter.vfio().name(), "memory", 0),
                        answer -> {
                            assertThat(answer.ok()).as("the COMMAND write").isTrue();
                            window.assertZapped();
                            exporter.vfio().memory(true);
                            window.assertWorks();
                        });
        assertThat(failed).as("allocations of a revoke").isZero();
    }
}
