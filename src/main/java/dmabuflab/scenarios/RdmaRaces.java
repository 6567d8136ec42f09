// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Race;
import dmabuflab.guest.Race.Count;
import dmabuflab.guest.Race.Lane;
import dmabuflab.guest.Race.Step;
import dmabuflab.guest.RdmaEndpoint.Access;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.CpusInTurns;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Memory regions at the same time as their exporter revokes and gives back. */
@Catalogue
@CpusInTurns
@Devices("ivshmem:16M")
class RdmaRaces {
    private static final Range SOME = new Range(2 << 20, 64 * Exporter.PAGE);
    private static final Duration TIME = Duration.ofSeconds(3);

    @Test
    @DisplayName("regions are registered and deregistered while the exporter revokes")
    @Proves({"RD2", "RV4", "RV6"})
    void pinnedAgainstRevoke(Testbed bed) {
        registerAgainstRevoke(bed, RdmaWindow.PINNED);
    }

    @Test
    @DisplayName("regions on demand are registered and deregistered while the exporter revokes")
    @Proves({"RD3", "RV4", "RV6"})
    void onDemandAgainstRevoke(Testbed bed) {
        registerAgainstRevoke(bed, RdmaWindow.ON_DEMAND);
    }

    private static void registerAgainstRevoke(Testbed bed, Access... access) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME);
        Map<String, ?> region =
                window.server().arguments("short", window.buffer(), 0, SOME.length(), 0, access);

        List<Lane> lanes =
                new Race(bed.agent())
                        .lane(
                                new Step("rdma.mr", region),
                                new Step("rdma.dereg", Map.of("mr", "short")))
                        .lane(
                                new Step(
                                        "vfio.command",
                                        Map.of("dev", exporter.vfio().name(), "memory", 0)),
                                new Step(
                                        "vfio.command",
                                        Map.of("dev", exporter.vfio().name(), "memory", 1)))
                        .run(TIME);

        Count registered = lanes.get(0).steps().get(0);
        assertThat(registered.ok()).as("regions").isPositive();
        assertThat(registered.errors().keySet()).as("why some were refused").isSubsetOf("ENODEV");
        assertThat(lanes.get(0).steps().get(1).ok()).isEqualTo(registered.ok());
        assertThat(lanes.get(1).steps()).allMatch(step -> step.ok() == lanes.get(1).rounds());
        assertThat(bed.attachments()).isZero();
        window.register(access).assertWorks();
        exporter.vfio().memory(false);
        window.assertCutOff();
    }
}
