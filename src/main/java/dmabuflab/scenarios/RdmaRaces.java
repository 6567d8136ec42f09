// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Completion;
import dmabuflab.guest.Hold;
import dmabuflab.guest.Job;
import dmabuflab.guest.QueuePair;
import dmabuflab.guest.Race;
import dmabuflab.guest.Race.Count;
import dmabuflab.guest.Race.Lane;
import dmabuflab.guest.Race.Step;
import dmabuflab.guest.RdmaEndpoint.Access;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.WorkRequest;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.BarFile;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Memory regions at the same time as their exporter revokes and gives back. */
@Catalogue
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

    @Test
    @DisplayName("a revoke waits for the copy of a packet that is going on, and ends after it")
    @Proves({"RD2", "RV2"})
    void revokeWaitsForCopy(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register(RdmaWindow.PINNED);
        window.assertWorks();
        bed.trace().add(List.of(), List.of("p:dmabuflab/copied memcpy_toio"));
        window.local().write(0, RdmaWindow.bytes(7));
        window.reconnect(QueuePair.Path.DEFAULT.withoutEnd());
        Job write;
        Job revoke;
        try (Hold access = Hold.at(bed.agent(), "ib_umem_pfn_find")) {
            write =
                    window.from()
                            .postAsJob(
                                    WorkRequest.write(window.local(), 0, Long.BYTES)
                                            .remote(window.region(), 0));
            access.await(bed.limit());
            revoke =
                    Job.start(
                            bed.agent(),
                            "vfio.command",
                            Map.of("dev", exporter.vfio().name(), "memory", 0));
            bed.await(
                    "the revoke tells the region",
                    () -> !bed.events("dma_buf_invalidate_mappings").isEmpty());

            assertThat(revoke.await(Duration.ZERO)).as("the revoke").isEmpty();
        }

        assertThat(bed.complete(revoke)).matches(Answer::ok);
        BarFile.Snapshot returned = exporter.memory().snapshot();
        assertThat(exporter.memory().readLong(SOME.offset())).as("the packet").isEqualTo(7);
        RdmaWindow.assertSuccess(new Completion(bed.complete(write)));
        List<String> events = bed.events(" copied:", " vfio_moved:");
        assertThat(events.get(0)).as("the first of %s", events).contains(" copied:");
        window.assertCutOff();
        assertThat(exporter.memory().changedRanges(returned)).isEmpty();
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
