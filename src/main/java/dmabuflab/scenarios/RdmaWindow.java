// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Completion;
import dmabuflab.guest.Completion.Status;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.MemoryRegion;
import dmabuflab.guest.NetInterface;
import dmabuflab.guest.QueuePair;
import dmabuflab.guest.RdmaEndpoint;
import dmabuflab.guest.RdmaEndpoint.Access;
import dmabuflab.guest.RdmaLink;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.WorkRequest;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.BarFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Set;

/**
 * A dma-buf of an exporter as memory that a peer reaches by RDMA, and what can be said of that: its
 * requests succeed, or fail. Each is seen in their completions and in the memory.
 */
final class RdmaWindow {
    static final long PAGE = Exporter.PAGE;

    /** How a region is registered whose memory may go and come back. */
    static final Access[] ON_DEMAND = {
        Access.LOCAL_WRITE,
        Access.REMOTE_WRITE,
        Access.REMOTE_READ,
        Access.REMOTE_ATOMIC,
        Access.ON_DEMAND
    };

    /** Registered until it is revoked. */
    static final Access[] PINNED = {
        Access.LOCAL_WRITE, Access.REMOTE_WRITE, Access.REMOTE_READ, Access.REMOTE_ATOMIC
    };

    /**
     * How the kernel says that a request's own memory is none. What rxe could not even send it
     * flushes with all that is behind it.
     */
    private static final Set<Status> LOCAL_REFUSALS =
            Set.of(Status.LOCAL_PROTECTION, Status.LOCAL_QP_OPERATION, Status.FLUSH);

    private static final long LOCAL_SIZE = 1 << 20;
    private static final long WORD = 0x1122_3344_5566_7788L;

    private final Exporter exporter;
    private final RdmaLink link;
    private final RdmaEndpoint client;
    private final RdmaEndpoint server;
    private final MemoryRegion local;
    private final QueuePair from;
    private final QueuePair to;
    private final DmaBuf buffer;
    private final List<Range> ranges;
    private MemoryRegion region;
    private int regions;

    private RdmaWindow(Testbed bed, Exporter exporter, Range... ranges) {
        this.exporter = exporter;
        this.ranges = List.of(ranges);
        NetInterface network = NetInterface.dummy(bed.agent(), "net0");
        network.address("10.0.0.1/24");
        this.link = RdmaLink.create(bed.agent(), "rxe0", network);
        this.client = link.open("client");
        this.server = link.open("server");
        this.local = client.register("local", LOCAL_SIZE);
        this.from = client.queuePair("from");
        this.to = server.queuePair("to");
        this.buffer = exporter.export(ranges);
        QueuePair.connect(from, to);
    }

    /** A peer, and a new buffer of these ranges that is not registered yet. */
    static RdmaWindow of(Testbed bed, Exporter exporter, Range... ranges) {
        requireSeries(bed);
        return new RdmaWindow(bed, exporter, ranges);
    }

    static void requireSeries(Testbed bed) {
        bed.requireSeries("memory regions over dma-bufs");
    }

    /** Registers all of it; the region before, if any, has to be deregistered. */
    RdmaWindow register(Access... access) {
        region = server.register("region" + regions++, buffer, 0, length(), access);
        return this;
    }

    /** Registers part of it, at an address of the peer's choice. */
    RdmaWindow registerAt(long iova, long offset, long bytes, Access... access) {
        region = server.registerAt(iova, "region" + regions++, buffer, offset, bytes, access);
        return this;
    }

    Answer tryRegister(Access... access) {
        return server.tryRegister("region" + regions++, buffer, 0, length(), access);
    }

    private long length() {
        return ranges.stream().mapToLong(Range::length).sum();
    }

    RdmaLink link() {
        return link;
    }

    RdmaEndpoint client() {
        return client;
    }

    RdmaEndpoint server() {
        return server;
    }

    /** The peer's own memory. */
    MemoryRegion local() {
        return local;
    }

    /** The peer's end. */
    QueuePair from() {
        return from;
    }

    /** The end of the process that has the buffer. */
    QueuePair to() {
        return to;
    }

    DmaBuf buffer() {
        return buffer;
    }

    MemoryRegion region() {
        return region;
    }

    /** Connects both ends anew, whatever has become of them. */
    void reconnect() {
        reconnect(QueuePair.Path.DEFAULT);
    }

    void reconnect(QueuePair.Path path) {
        from.reset();
        to.reset();
        QueuePair.connect(from, to, path);
    }

    /** The peer reads and writes the region, at either end too, and no other memory. */
    void assertWorks() {
        assertReaches(0);
        assertReaches(region.length() / 2 & -Long.BYTES);
        assertReaches(region.length() - Long.BYTES);
    }

    /** The same at one offset into a region of all of the buffer. */
    private void assertReaches(long offset) {
        BarFile memory = exporter.memory();
        long at = barOffset(offset);
        long first = Math.max(0, (at & -PAGE) - PAGE);
        memory.fill(first, Math.min(3 * PAGE, memory.size() - first));
        BarFile.Snapshot before = memory.snapshot();
        long content = memory.readLong(at);

        assertSuccess(from.post(WorkRequest.read(local, 0, Long.BYTES).remote(region, offset)));
        local.write(Long.BYTES, bytes(WORD + offset));
        assertSuccess(
                from.post(WorkRequest.write(local, Long.BYTES, Long.BYTES).remote(region, offset)));

        assertThat(memory.changedRanges(before))
                .as("what a write at offset 0x%x has changed", offset)
                .containsExactly(new BarFile.Range(at, Long.BYTES));
        assertThat(memory.readLong(at)).isEqualTo(WORD + offset);
        assertThat(local.read(0, Long.BYTES))
                .as("what was read at offset 0x%x", offset)
                .isEqualTo(bytes(content));
    }

    /** Each request of the peer and of this side fails, and changes no byte on either. */
    void assertCutOff() {
        BarFile.Snapshot before = exporter.memory().snapshot();
        byte[] mine = local.read(0, 64);

        assertRefused(WorkRequest.write(local, 0, Long.BYTES).remote(region, 0));
        assertRefused(WorkRequest.read(local, 0, Long.BYTES).remote(region, 0));
        assertRefused(WorkRequest.fetchAdd(local, 0, 1).remote(region, 0));
        assertRefused(WorkRequest.compareSwap(local, 0, 0, 1).remote(region, 0));
        reconnect();
        Completion source = to.post(WorkRequest.write(region, 0, Long.BYTES).remote(local, 0));
        assertThat(source.status()).as("as a source").isIn(LOCAL_REFUSALS);
        reconnect();
        Completion sink = to.post(WorkRequest.read(region, 0, Long.BYTES).remote(local, 0));
        assertThat(sink.status()).as("as a sink").isIn(LOCAL_REFUSALS);
        reconnect();

        assertThat(exporter.memory().changedRanges(before)).as("memory that changed").isEmpty();
        assertThat(local.read(0, 64)).as("the peer's memory").isEqualTo(mine);
    }

    private void assertRefused(WorkRequest request) {
        reconnect();
        Completion completion = from.post(request);
        assertThat(completion.status()).as("%s", completion).isEqualTo(Status.REMOTE_ACCESS);
    }

    static void assertSuccess(Completion completion) {
        assertThat(completion.status()).as("%s", completion).isEqualTo(Status.SUCCESS);
    }

    static byte[] bytes(long word) {
        return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(word).array();
    }

    /** Where in the BAR a byte of the buffer lies. */
    long barOffset(long offset) {
        long left = offset;
        for (Range range : ranges) {
            if (left < range.length()) {
                return range.offset() + left;
            }
            left -= range.length();
        }
        throw new IllegalArgumentException("beyond the buffer: " + offset);
    }
}
