// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Completion.Status;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.GuestProcess;
import dmabuflab.guest.Hammer;
import dmabuflab.guest.Job;
import dmabuflab.guest.MemoryRegion;
import dmabuflab.guest.NetInterface;
import dmabuflab.guest.QueuePair;
import dmabuflab.guest.RdmaEndpoint;
import dmabuflab.guest.RdmaLink;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.BarFile;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Something that a connection is made of ends while a peer writes. */
@Catalogue
@Devices("ivshmem:16M")
class RdmaTeardown {
    private static final Range SOME = new Range(2 << 20, 64 * Exporter.PAGE);
    private static final long BEFORE = 100;

    /** What a writer is told depends on what ends first: a region, a queue pair or the device. */
    private static final Set<Status> LOST =
            Set.of(
                    Status.RETRY_EXCEEDED,
                    Status.REMOTE_ACCESS,
                    Status.LOCAL_PROTECTION,
                    Status.LOCAL_QP_OPERATION,
                    Status.FLUSH,
                    Status.DEVICE_REMOVED);

    @Test
    @DisplayName("the buffer's process is killed: nothing is left of it, and no write comes after")
    @Proves({"RD2", "RV6"})
    void processKilled(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME);
        GuestProcess process = GuestProcess.start(bed.agent(), "process");
        DmaBuf buffer = process.give(window.buffer());
        RdmaEndpoint its = window.link().openIn(process.agent(), "its");
        MemoryRegion region = its.register("its-region", buffer, 0, SOME.length());
        QueuePair to = its.queuePair("its-pair");
        window.from().reset();
        QueuePair.connect(window.from(), to);
        Job job = hammer(bed, window.from(), window.local(), region);

        process.kill();

        assertThat(bed.attachments()).isZero();
        Hammer.Result result = assertOver(bed, exporter, job);
        assertThat(result.status()).isEqualTo(Status.RETRY_EXCEEDED);
        exporter.vfio().memory(false);
        exporter.vfio().memory(true);
    }

    @Test
    @DisplayName("the peer's process is killed: the region is there for others, and can be revoked")
    @Proves({"RD3", "RV2", "RV6"})
    void peerKilled(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register(RdmaWindow.ON_DEMAND);
        GuestProcess peer = GuestProcess.start(bed.agent(), "peer");
        RdmaEndpoint its = window.link().openIn(peer.agent(), "its");
        MemoryRegion local = its.register("its-local", 1 << 16);
        QueuePair from = its.queuePair("its-pair");
        window.to().reset();
        QueuePair.connect(from, window.to());
        hammer(bed, from, local, window.region());

        peer.kill();

        exporter.vfio().memory(false);
        BarFile.Snapshot revoked = exporter.memory().snapshot();
        window.assertCutOff();
        assertThat(exporter.memory().changedRanges(revoked)).isEmpty();
        exporter.vfio().memory(true);
        window.assertWorks();
    }

    @Test
    @DisplayName("the RDMA device is removed: regions end, buffers are let go")
    @Proves({"RD2", "RV6"})
    void linkRemoved(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register();
        Job job = hammer(bed, window.from(), window.local(), window.region());

        window.link().remove();

        assertThat(bed.attachments()).isZero();
        Hammer.Result result = assertOver(bed, exporter, job);
        assertThat(result.status()).isIn(LOST);
        DeviceRelease.assertFree(bed, exporter);
    }

    @Test
    @DisplayName("the network that the buffer's RDMA device runs over ends, and with it the region")
    @Proves({"RD2", "RV6"})
    void buffersNetworkEnds(Testbed bed) {
        networkEnds(bed, true);
    }

    @Test
    @DisplayName("the network that the peer's RDMA device runs over ends: no write comes after")
    @Proves({"RD2", "RV6"})
    void peersNetworkEnds(Testbed bed) {
        networkEnds(bed, false);
    }

    /**
     * A network namespace takes the interface in it along, and with that the one it leads to. Who
     * uses the devices over them lives on.
     */
    private static void networkEnds(Testbed bed, boolean buffers) {
        Exporter exporter = bed.exporter();
        RdmaWindow.requireSeries(bed);
        GuestProcess apart = GuestProcess.startApart(bed.agent(), "apart");
        List<NetInterface> cable = NetInterface.veth(bed.agent(), "here", "there");
        NetInterface there = cable.get(1).moveTo(apart);
        cable.get(0).address("10.1.0.1/24");
        there.address("10.1.0.2/24");
        RdmaLink stays = RdmaLink.create(bed.agent(), "rxe1", cable.get(0));
        RdmaLink ends = RdmaLink.create(apart.agent(), "rxe2", there);
        RdmaEndpoint lost = (buffers ? ends : stays).openIn(bed.agent(), "lost-server");
        RdmaEndpoint peer = (buffers ? stays : ends).openIn(bed.agent(), "lost-peer");
        QueuePair from = peer.queuePair("lost-from");
        QueuePair.connect(from, lost.queuePair("lost-to"));
        MemoryRegion region = lost.register("lost", exporter.export(SOME), 0, SOME.length());
        Job job = hammer(bed, from, peer.register("lost-local", 1 << 16), region);

        apart.kill();

        // The kernel removes networks, and what is in them, when it finds the time.
        bed.await("the region ends with its network", () -> bed.attachments() == 0);
        Hammer.Result result = assertOver(bed, exporter, job);
        assertThat(result.status()).isIn(LOST);
        RdmaWindow.of(bed, exporter, SOME).register().assertWorks();
        DeviceRelease.assertFree(bed, exporter);
    }

    private static Job hammer(Testbed bed, QueuePair from, MemoryRegion local, MemoryRegion to) {
        Job job = from.hammer(Hammer.write(local).remote(to, 0));
        from.awaitAcknowledged(BEFORE, bed.limit());
        return job;
    }

    /** The writer ends, and the memory has the last number that has come in by now. */
    private static Hammer.Result assertOver(Testbed bed, Exporter exporter, Job job) {
        long last = exporter.memory().readLong(SOME.offset());
        BarFile.Snapshot before = exporter.memory().snapshot();
        Hammer.Result result = new Hammer.Result(bed.complete(job));
        assertThat(last).isBetween(result.acknowledged(), result.posted());
        assertThat(exporter.memory().changedRanges(before)).as("written after").isEmpty();
        return result;
    }
}
