// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Completion.Status;
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
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** A BAR as memory of a peer on another host, over a network that loses packets. */
@Catalogue
@Devices("ivshmem:16M")
class RdmaNetwork {
    private static final Range SOME = new Range(2 << 20, 64 * Exporter.PAGE);
    private static final int LOSS = 10;
    private static final long MANY = 300;

    private NetInterface here;
    private NetInterface there;
    private MemoryRegion local;
    private MemoryRegion region;
    private QueuePair from;

    private void connect(Testbed bed, Exporter exporter) {
        RdmaWindow.requireSeries(bed);
        GuestProcess peer = GuestProcess.startApart(bed.agent(), "peer");
        List<NetInterface> cable = NetInterface.veth(bed.agent(), "here", "there");
        here = cable.get(0);
        there = cable.get(1).moveTo(peer);
        here.address("10.0.0.1/24");
        there.address("10.0.0.2/24");
        RdmaEndpoint server = RdmaLink.create(bed.agent(), "rxe0", here).open("server");
        RdmaEndpoint client = RdmaLink.create(peer.agent(), "rxe1", there).open("client");
        local = client.register("local", 1 << 16);
        region = server.register("region", exporter.export(SOME), 0, SOME.length());
        from = client.queuePair("from");
        QueuePair to = server.queuePair("to");
        QueuePair.connect(from, to);
        here.loss(LOSS);
        there.loss(LOSS);
        exporter.memory().fill();
    }

    @Test
    @DisplayName("packets get lost on both ways, and each write arrives, in order, in its place")
    @Proves("RD1")
    void lossIsMadeUpFor(Testbed bed) {
        Exporter exporter = bed.exporter();
        connect(bed, exporter);
        BarFile.Snapshot before = exporter.memory().snapshot();

        Job job = from.hammer(Hammer.write(local).remote(region, 8).count(MANY));

        Hammer.Result result = new Hammer.Result(bed.complete(job));
        assertThat(result.status()).isEqualTo(Status.SUCCESS);
        assertThat(result.acknowledged()).isEqualTo(MANY);
        assertThat(exporter.memory().readLong(SOME.offset() + 8)).isEqualTo(MANY);
        assertThat(exporter.memory().changedRanges(before))
                .containsExactly(new BarFile.Range(SOME.offset() + 8, 8));
    }

    @Test
    @DisplayName("packets that were lost and are sent again after a revoke change nothing")
    @Proves({"RD2", "RV2"})
    void lostPacketsComeTooLate(Testbed bed) {
        Exporter exporter = bed.exporter();
        connect(bed, exporter);
        Job job = from.hammer(Hammer.write(local).remote(region, 8));
        from.awaitAcknowledged(MANY / 10, bed.limit());

        exporter.vfio().memory(false);

        BarFile.Snapshot returned = exporter.memory().snapshot();
        long last = exporter.memory().readLong(SOME.offset() + 8);
        Hammer.Result result = new Hammer.Result(bed.complete(job));
        // The refusal can get lost as well, again and again.
        assertThat(result.status()).isIn(Status.REMOTE_ACCESS, Status.RETRY_EXCEEDED);
        assertThat(last).isBetween(result.acknowledged(), result.posted());
        assertThat(exporter.memory().changedRanges(returned)).isEmpty();
    }
}
