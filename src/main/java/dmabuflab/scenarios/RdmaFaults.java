// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.RdmaEndpoint.Access;
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

/** Every allocation on the way of a memory region fails once: nothing is left half done. */
@Catalogue
@Devices("ivshmem:16M")
class RdmaFaults {
    private static final Range SOME = new Range(2 << 20, 64 * Exporter.PAGE);

    private Exporter exporter;

    /** Whatever has failed, the device can be let go, and nothing of it is left. */
    @AfterEach
    void deviceLetsGo(Testbed bed) {
        DeviceRelease.assertFree(bed, exporter);
    }

    @Test
    @DisplayName("a registration that fails leaves no attachment, one that succeeds works")
    @Proves({"RD2", "RV6"})
    void registerPinned(Testbed bed) {
        register(bed, RdmaWindow.PINNED);
    }

    @Test
    @DisplayName("the same on demand")
    @Proves({"RD3", "RV6"})
    void registerOnDemand(Testbed bed) {
        register(bed, RdmaWindow.ON_DEMAND);
    }

    private void register(Testbed bed, Access... access) {
        exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME);

        int failed =
                AllocationFailures.sweep(
                        bed,
                        "rdma.mr",
                        window.server()
                                .arguments("swept", window.buffer(), 0, SOME.length(), 0, access),
                        answer -> {
                            assertThat(bed.attachments()).isEqualTo(answer.ok() ? 1 : 0);
                            if (answer.ok()) {
                                bed.agent().call("rdma.dereg", Map.of("mr", "swept"));
                            }
                        });
        assertThat(failed).as("allocations that failed").isPositive();
        assertThat(bed.attachments()).isZero();
        window.register(access).assertWorks();
        window.region().deregister();
    }

    @Test
    @DisplayName("a revoke cannot fail: whatever it cannot allocate, peers are cut off")
    @Proves({"RV6", "RV2", "RD3"})
    void revoke(Testbed bed) {
        exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register(RdmaWindow.ON_DEMAND);
        window.assertWorks();

        AllocationFailures.sweep(
                bed,
                "vfio.command",
                Map.of("dev", exporter.vfio().name(), "memory", 0),
                answer -> {
                    assertThat(answer.ok()).as("the COMMAND write").isTrue();
                    window.assertCutOff();
                    exporter.vfio().memory(true);
                    window.assertWorks();
                });
        window.region().deregister();
    }
}
