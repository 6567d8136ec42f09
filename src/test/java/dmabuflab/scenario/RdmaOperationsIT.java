// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.guest.Completion;
import dmabuflab.guest.Completion.Status;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Fault;
import dmabuflab.guest.GuestProcess;
import dmabuflab.guest.Hammer;
import dmabuflab.guest.Job;
import dmabuflab.guest.MemoryRegion;
import dmabuflab.guest.MemoryWindow;
import dmabuflab.guest.NetInterface;
import dmabuflab.guest.QueuePair;
import dmabuflab.guest.QueuePair.Path;
import dmabuflab.guest.Race;
import dmabuflab.guest.Race.Step;
import dmabuflab.guest.RdmaEndpoint;
import dmabuflab.guest.RdmaEndpoint.Access;
import dmabuflab.guest.RdmaLink;
import dmabuflab.guest.SharedMemory;
import dmabuflab.guest.WorkRequest;
import dmabuflab.host.InfrastructureException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What soft-RoCE does on command with memory of processes, and how it fails. */
@Catalogue
@KernelsWordOnly("tests the agent, makes no claim about memory")
class RdmaOperationsIT {
    private static final long SIZE = 16 * Exporter.PAGE;
    private static final long WORD = 0xfedc_ba98_7654_3210L;
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** A link to itself, an endpoint, two regions and a connection between them. */
    private static final class Pair {
        final RdmaLink link;
        final RdmaEndpoint endpoint;
        final MemoryRegion local;
        final MemoryRegion remote;
        final QueuePair active;
        final QueuePair passive;

        Pair(Testbed bed) {
            link = link(bed);
            endpoint = link.open("endpoint");
            local = endpoint.register("local", SIZE);
            remote = endpoint.register("remote", SIZE);
            active = endpoint.queuePair("active");
            passive = endpoint.queuePair("passive");
            QueuePair.connect(active, passive);
        }

        void reconnect() {
            active.reset();
            passive.reset();
            QueuePair.connect(active, passive);
        }

        /** Its status, after which both ends are as good as new. */
        Status fails(WorkRequest request) {
            Status status = active.post(request).status();
            reconnect();
            return status;
        }
    }

    private static RdmaLink link(Testbed bed) {
        NetInterface network = NetInterface.dummy(bed.agent(), "net0");
        network.address("10.0.0.1/24");
        return RdmaLink.create(bed.agent(), "rxe0", network);
    }

    private static byte[] bytes(int length, int first) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (first + i * 7);
        }
        return bytes;
    }

    private static byte[] bytes(long word) {
        return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(word).array();
    }

    private static long word(MemoryRegion region, long offset) {
        return ByteBuffer.wrap(region.read(offset, Long.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    @Test
    void whatIsWrittenIsThereAndCanBeRead(Testbed bed) {
        Pair pair = new Pair(bed);
        byte[] data = bytes(10_000, 3);
        pair.local.write(5, data);
        pair.remote.fill(0, SIZE, 0xee);

        Completion write =
                pair.active.post(WorkRequest.write(pair.local, 5, 10_000).remote(pair.remote, 77));

        assertThat(write.success()).isTrue();
        assertThat(write.opcode()).isEqualTo("write");
        assertThat(pair.remote.read(77, 10_000)).isEqualTo(data);
        assertThat(pair.remote.read(0, 77)).containsOnly(0xee);
        assertThat(pair.remote.read(10_077, 100)).containsOnly(0xee);
        Completion read =
                pair.active.post(
                        WorkRequest.read(pair.local, 20_000, 10_000).remote(pair.remote, 77));
        assertThat(read.success()).isTrue();
        assertThat(pair.local.read(20_000, 10_000)).isEqualTo(data);
    }

    @Test
    void severalPartsAndEveryMtu(Testbed bed) {
        Pair pair = new Pair(bed);
        byte[] data = bytes((int) SIZE, 1);
        pair.local.write(0, data);

        for (int mtu : new int[] {256, 512, 1024}) {
            pair.active.reset();
            pair.passive.reset();
            QueuePair.connect(pair.active, pair.passive, Path.DEFAULT.withMtu(mtu));
            pair.remote.fill(0, SIZE, 0);
            assertThat(
                            pair.active
                                    .post(
                                            WorkRequest.write(pair.local, 0, 1)
                                                    .and(pair.local, 1, 1234)
                                                    .and(pair.local, 1235, 0)
                                                    .and(pair.local, 1235, SIZE - 1235)
                                                    .remote(pair.remote, 0))
                                    .success())
                    .isTrue();
            assertThat(pair.remote.read(0, (int) SIZE)).as("mtu " + mtu).isEqualTo(data);
        }
    }

    @Test
    void whatIsSentIsReceived(Testbed bed) {
        Pair pair = new Pair(bed);
        byte[] data = bytes(3000, 9);
        pair.local.write(0, data);
        pair.passive.receive(pair.remote, 100, 4000);
        pair.passive.receive(pair.remote, 0, 0);

        assertThat(pair.active.post(WorkRequest.send(pair.local, 0, 3000)).success()).isTrue();
        Completion received = pair.passive.awaitReceived();
        Completion written =
                pair.active.post(
                        WorkRequest.writeImm(pair.local, 0, 16, 0x8000_0001)
                                .remote(pair.remote, 8000));
        Completion told = pair.passive.awaitReceived();

        assertThat(received.success()).isTrue();
        assertThat(received.opcode()).isEqualTo("recv");
        assertThat(received.length()).isEqualTo(3000);
        assertThat(pair.remote.read(100, 3000)).isEqualTo(data);
        assertThat(written.success()).isTrue();
        assertThat(told.opcode()).isEqualTo("recv-write-imm");
        assertThat(told.imm()).isEqualTo(0x8000_0001);
        assertThat(pair.remote.read(8000, 16)).isEqualTo(Arrays.copyOf(data, 16));
        assertThat(pair.fails(WorkRequest.send(pair.local, 0, 8)))
                .as("nothing to receive it with")
                .isEqualTo(Status.RNR_RETRY_EXCEEDED);
        pair.passive.receive(pair.remote, 0, 7);
        assertThat(pair.fails(WorkRequest.send(pair.local, 0, 8)))
                .as("not enough to receive it with")
                .isEqualTo(Status.REMOTE_OPERATION);
    }

    @Test
    void atomicsChangeWhatIsThereAndTellWhatWas(Testbed bed) {
        Pair pair = new Pair(bed);
        pair.remote.write(16, bytes(WORD));

        Completion add =
                pair.active.post(WorkRequest.fetchAdd(pair.local, 0, 5).remote(pair.remote, 16));
        assertThat(add.success()).isTrue();
        assertThat(word(pair.local, 0)).isEqualTo(WORD);
        assertThat(word(pair.remote, 16)).isEqualTo(WORD + 5);
        for (long expected : new long[] {WORD, WORD + 5}) {
            Completion swap =
                    pair.active.post(
                            WorkRequest.compareSwap(pair.local, 8, expected, -1)
                                    .remote(pair.remote, 16));
            assertThat(swap.success()).isTrue();
            assertThat(word(pair.local, 8)).isEqualTo(WORD + 5);
        }
        assertThat(word(pair.remote, 16)).isEqualTo(-1);
        assertThat(
                        bed.agent()
                                .attempt(
                                        "rdma.post",
                                        WorkRequest.fetchAdd(pair.local, 0, 1)
                                                .remote(pair.remote, 4)
                                                .arguments(pair.active))
                                .errno())
                .as("not aligned")
                .isEqualTo("EINVAL");
    }

    @Test
    void whatIsNotAllowedIsAStatusAndThenAllIsFlushed(Testbed bed) {
        Pair pair = new Pair(bed);
        MemoryRegion readable = pair.endpoint.register("readable", SIZE, Access.REMOTE_READ);
        MemoryRegion other = pair.link.open("other").register("foreign", SIZE);
        WorkRequest write = WorkRequest.write(pair.local, 0, 8);
        WorkRequest read = WorkRequest.read(pair.local, 0, 8);
        pair.remote.fill(0, SIZE, 0xee);

        Completion wrongKey =
                pair.active.post(write.remote(pair.remote.addr(), pair.remote.rkey() ^ 1));
        assertThat(wrongKey.status()).isEqualTo(Status.REMOTE_ACCESS);
        assertThat(pair.active.state()).isEqualTo("error");
        assertThat(pair.active.post(write.remote(pair.remote, 0)).status()).isEqualTo(Status.FLUSH);
        pair.reconnect();
        assertThat(pair.active.state()).isEqualTo("rts");

        assertThat(pair.fails(write.remote(pair.remote, SIZE - 7)))
                .as("past the end")
                .isEqualTo(Status.REMOTE_ACCESS);
        assertThat(pair.fails(write.remote(pair.remote, -1)))
                .as("before the begin")
                .isEqualTo(Status.REMOTE_ACCESS);
        assertThat(pair.fails(write.remote(other, 0)))
                .as("another protection domain's")
                .isEqualTo(Status.REMOTE_ACCESS);
        assertThat(pair.fails(write.remote(readable, 0))).isEqualTo(Status.REMOTE_ACCESS);
        assertThat(pair.fails(WorkRequest.read(readable, 0, 8).remote(pair.remote, 0)))
                .as("a read needs somewhere to write")
                .isEqualTo(Status.LOCAL_PROTECTION);
        // Of what it cannot even send rxe only says that it was flushed.
        assertThat(pair.fails(WorkRequest.write(pair.local, SIZE - 7, 8).remote(pair.remote, 0)))
                .isIn(Status.LOCAL_PROTECTION, Status.FLUSH);
        assertThat(pair.fails(write.withLkey(pair.local.lkey() ^ 1).remote(pair.remote, 0)))
                .isIn(Status.LOCAL_PROTECTION, Status.FLUSH);
        assertThat(pair.active.post(read.remote(readable, 0)).success()).isTrue();
        assertThat(pair.remote.read(0, (int) SIZE)).as("nobody wrote").containsOnly(0xee);
    }

    @Test
    void aPeerThatIsNotThereIsGivenUp(Testbed bed) {
        Pair pair = new Pair(bed);

        pair.passive.close();

        assertThat(
                        pair.active
                                .post(WorkRequest.write(pair.local, 0, 8).remote(pair.remote, 0))
                                .status())
                .isEqualTo(Status.RETRY_EXCEEDED);
    }

    @Test
    void pagesOnDemandAreFoundWhenTheyAreAccessed(Testbed bed) {
        Pair pair = new Pair(bed);
        MemoryRegion lazy =
                pair.endpoint.register(
                        "lazy",
                        SIZE,
                        Access.LOCAL_WRITE,
                        Access.REMOTE_WRITE,
                        Access.REMOTE_READ,
                        Access.ON_DEMAND);
        byte[] data = bytes(1000, 5);
        pair.local.write(0, data);

        // From the begin of a page, in one packet: 7.3's rxe forgets where in a page it is.
        Completion write =
                pair.active.post(
                        WorkRequest.write(pair.local, 0, 1000).remote(lazy, 3 * Exporter.PAGE));
        Completion read =
                pair.active.post(
                        WorkRequest.read(pair.local, 20_000, 1000).remote(lazy, 3 * Exporter.PAGE));

        assertThat(write.success()).isTrue();
        assertThat(lazy.read(3 * Exporter.PAGE, 1000)).isEqualTo(data);
        assertThat(read.success()).isTrue();
        assertThat(pair.local.read(20_000, 1000)).isEqualTo(data);
    }

    @Test
    void rightsChangeAndEnd(Testbed bed) {
        Pair pair = new Pair(bed);
        WorkRequest write = WorkRequest.write(pair.local, 0, 8).remote(pair.remote, 0);
        assertThat(pair.active.post(write).success()).isTrue();

        pair.remote.reregister(Access.REMOTE_READ);
        assertThat(pair.fails(write)).isEqualTo(Status.REMOTE_ACCESS);
        pair.remote.reregister();
        assertThat(pair.active.post(write).success()).isTrue();
        pair.remote.deregister();
        assertThat(pair.fails(write)).isEqualTo(Status.REMOTE_ACCESS);
    }

    @Test
    void windowsAreBoundAndInvalidated(Testbed bed) {
        Pair pair = new Pair(bed);
        MemoryRegion region =
                pair.endpoint.register("region", SIZE, Access.LOCAL_WRITE, Access.MW_BIND);
        MemoryWindow window = pair.endpoint.window("window", 2);
        WorkRequest write = WorkRequest.write(pair.local, 0, 8);
        long first = window.rkey();

        assertThat(pair.passive.bind(window, region, 4096, 4096, Access.REMOTE_WRITE).success())
                .isTrue();

        assertThat(window.rkey()).isNotEqualTo(first);
        WorkRequest inside = write.remote(region.addr() + 4096, window.rkey());
        assertThat(pair.active.post(inside).success()).isTrue();
        assertThat(region.tryDeregister().errno()).as("with a window on it").isEqualTo("EINVAL");
        pair.passive.receive(pair.remote, 0, 8);
        assertThat(
                        pair.active
                                .post(WorkRequest.sendInvalidating(window.rkey(), pair.local, 0, 8))
                                .success())
                .isTrue();
        assertThat(pair.passive.awaitReceived().invalidated()).isEqualTo(window.rkey());
        assertThat(pair.fails(inside)).isEqualTo(Status.REMOTE_ACCESS);
    }

    @Test
    void aHammerCountsWhatWasAcknowledged(Testbed bed) {
        Pair pair = new Pair(bed);
        Hammer hammer =
                Hammer.write(pair.local).remote(pair.remote, 0).length(64).places(4, 4096).depth(4);

        Job job = pair.active.hammer(hammer);
        pair.active.awaitAcknowledged(100, LIMIT);
        assertThat(
                        bed.agent()
                                .attempt(
                                        "rdma.post",
                                        WorkRequest.write(pair.local, 0, 8).arguments(pair.active))
                                .errno())
                .isEqualTo("EBUSY");
        pair.active.stop();
        Hammer.Result result = new Hammer.Result(bed.complete(job));

        assertThat(result.status()).isEqualTo(Status.SUCCESS);
        assertThat(result.acknowledged()).isEqualTo(result.posted()).isGreaterThanOrEqualTo(100);
        for (long number = result.posted() - 3; number <= result.posted(); number++) {
            long place = (number - 1) % 4 * 4096;
            assertThat(word(pair.remote, place)).isEqualTo(number);
            assertThat(word(pair.remote, place + 56)).isEqualTo(number);
            assertThat(word(pair.remote, place + 64)).isZero();
        }
        Hammer.Result reads =
                new Hammer.Result(
                        bed.complete(
                                pair.active.hammer(
                                        Hammer.read(pair.local).remote(pair.remote, 0).count(50))));
        assertThat(reads.acknowledged()).isEqualTo(50);
        assertThat(reads.value()).isEqualTo(word(pair.remote, 0));
    }

    @Test
    void aHammerEndsWithTheFirstRequestThatFails(Testbed bed) {
        Pair pair = new Pair(bed);

        Job job = pair.active.hammer(Hammer.write(pair.local).remote(pair.remote, 8));
        pair.active.awaitAcknowledged(100, LIMIT);
        pair.remote.deregister();
        Hammer.Result result = new Hammer.Result(bed.complete(job));

        assertThat(result.status()).isEqualTo(Status.REMOTE_ACCESS);
        assertThat(result.acknowledged()).isGreaterThanOrEqualTo(100);
        assertThat(result.posted() - result.acknowledged()).isBetween(1L, 8L);
        pair.reconnect();
        MemoryRegion again = pair.endpoint.register("remote", SIZE);
        assertThat(again.rkey()).isNotEqualTo(pair.remote.rkey());
        assertThat(pair.active.post(WorkRequest.write(pair.local, 0, 8).remote(again, 0)).success())
                .isTrue();
    }

    @Test
    void whoWaitsIsToldOfAnEnd(Testbed bed) {
        Pair pair = new Pair(bed);
        Job receive = Job.start(bed.agent(), "rdma.completion", Map.of("qp", "passive"));
        Job hammer = pair.active.hammer(Hammer.write(pair.local).remote(pair.remote, 0));
        pair.active.awaitAcknowledged(10, LIMIT);

        pair.passive.close();
        assertThat(new Completion(bed.complete(receive)).status()).isEqualTo(Status.CLOSED);
        pair.endpoint.close();
        assertThat(new Hammer.Result(bed.complete(hammer)).status())
                .isIn(Status.CLOSED, Status.RETRY_EXCEEDED);

        RdmaEndpoint again = pair.link.open("endpoint");
        assertThat(pair.local.tryReregister().errno()).isEqualTo("ENODEV");
        pair.local.deregister();
        again.register("local", SIZE);
    }

    @Test
    void aLinkIsRemovedWhileItIsUsed(Testbed bed) {
        Pair pair = new Pair(bed);
        Job hammer = pair.active.hammer(Hammer.write(pair.local).remote(pair.remote, 0));
        pair.active.awaitAcknowledged(10, LIMIT);

        pair.link.remove();

        assertThat(new Hammer.Result(bed.complete(hammer)).status())
                .isEqualTo(Status.DEVICE_REMOVED);
        assertThat(bed.agent().attempt("rdma.open", Map.of("name", "e", "dev", "rxe0")).errno())
                .isEqualTo("ENODEV");
    }

    @Test
    void twoProcessesReachEachOther(Testbed bed) {
        RdmaLink link = link(bed);
        GuestProcess process = GuestProcess.start(bed.agent(), "other");
        RdmaEndpoint here = link.open("endpoint");
        RdmaEndpoint there = link.openIn(process.agent(), "endpoint");
        MemoryRegion local = here.register("memory", SIZE);
        MemoryRegion remote = there.register("memory", SIZE);
        QueuePair active = here.queuePair("qp");
        QueuePair passive = there.queuePair("qp");
        QueuePair.connect(active, passive);
        local.write(0, bytes(WORD));

        assertThat(active.post(WorkRequest.write(local, 0, 8).remote(remote, 40)).success())
                .isTrue();
        assertThat(word(remote, 40)).isEqualTo(WORD);
        Job hammer = active.hammer(Hammer.write(local).remote(remote, 0));
        active.awaitAcknowledged(10, LIMIT);
        process.kill();

        assertThat(new Hammer.Result(bed.complete(hammer)).status())
                .isIn(Status.REMOTE_ACCESS, Status.RETRY_EXCEEDED);
    }

    @Test
    void packetsThatAreLostAreSentAgain(Testbed bed) {
        GuestProcess process = GuestProcess.startApart(bed.agent(), "other");
        List<NetInterface> ends = NetInterface.veth(bed.agent(), "veth0", "veth1");
        NetInterface near = ends.get(0);
        NetInterface far = ends.get(1).moveTo(process);
        near.address("10.0.0.1/24");
        far.address("10.0.0.2/24");
        RdmaEndpoint here = RdmaLink.create(bed.agent(), "rxe0", near).open("endpoint");
        RdmaEndpoint there = RdmaLink.create(process.agent(), "rxe1", far).open("endpoint");
        MemoryRegion local = here.register("memory", SIZE);
        MemoryRegion remote = there.register("memory", SIZE);
        QueuePair active = here.queuePair("qp");
        QueuePair passive = there.queuePair("qp");
        QueuePair.connect(active, passive, new Path(1024, 14, 7, 6));

        near.loss(20);
        far.loss(20);
        Hammer.Result lossy =
                new Hammer.Result(
                        bed.complete(
                                active.hammer(Hammer.write(local).remote(remote, 0).count(50))));

        assertThat(lossy.status()).isEqualTo(Status.SUCCESS);
        assertThat(word(remote, 0)).isEqualTo(50);
        active.reset();
        passive.reset();
        QueuePair.connect(active, passive);
        near.loss(100);
        assertThat(active.post(WorkRequest.write(local, 0, 8).remote(remote, 8)).status())
                .isEqualTo(Status.RETRY_EXCEEDED);
        assertThat(word(remote, 8)).isZero();
        near.loss(0);
        active.reset();
        passive.reset();
        QueuePair.connect(active, passive);
        assertThat(active.post(WorkRequest.write(local, 0, 8).remote(remote, 8)).success())
                .isTrue();
    }

    @Test
    void theNthAllocationOfARegistrationFailsAndThenItSucceeds(Testbed bed) {
        RdmaEndpoint endpoint = link(bed).open("endpoint");
        Map<String, ?> arguments = Map.of("endpoint", "endpoint", "name", "mr", "length", SIZE);
        Fault fault = new Fault(bed.agent());
        Set<String> errors = new TreeSet<>();

        int n = 1;
        Fault.Injection injection = fault.nth(n, "rdma.mr", arguments);
        while (injection.injected()) {
            if (injection.answer().ok()) {
                bed.agent().call("rdma.dereg", Map.of("mr", "mr"));
            } else {
                errors.add(injection.answer().errno());
            }
            injection = fault.nth(++n, "rdma.mr", arguments);
        }

        assertThat(errors).contains("ENOMEM").isSubsetOf("ENOMEM", "EFAULT");
        assertThat(n).as("allocations of a registration").isBetween(3, 100);
        assertThat(injection.answer().ok()).isTrue();
        endpoint.close();
    }

    @Test
    void aRaceCountsStatuses(Testbed bed) {
        Pair pair = new Pair(bed);
        Step write =
                new Step(
                        "rdma.post",
                        WorkRequest.write(pair.local, 0, 8)
                                .remote(pair.remote, 0)
                                .arguments(pair.active));
        Map<String, ?> brief = Map.of("endpoint", "endpoint", "name", "brief", "length", SIZE);

        List<Race.Lane> lanes =
                new Race(bed.agent())
                        .lane(write)
                        .lane(
                                new Step("rdma.mr", brief),
                                new Step("rdma.dereg", Map.of("mr", "brief")))
                        .run(Duration.ofSeconds(2));

        assertThat(lanes.get(0).steps().get(0).exits())
                .isEqualTo(Map.of("success", lanes.get(0).rounds()));
        assertThat(lanes.get(1).steps()).allMatch(step -> step.failed() == 0);
    }

    @Test
    void aMappingIsARegionToo(Testbed bed) {
        Pair pair = new Pair(bed);
        SharedMemory memory = SharedMemory.of(bed.agent(), SIZE, SIZE, false, "shared");
        MemoryRegion mapped = pair.endpoint.register("mapped", memory.mapping(), SIZE);
        byte[] data = bytes(10_000, 5);
        pair.local.write(0, data);

        Completion write =
                pair.active.post(WorkRequest.write(pair.local, 0, 10_000).remote(mapped, 77));

        assertThat(write.success()).isTrue();
        assertThat(memory.mapping().read(77, 10_000)).isEqualTo(data);
        assertThatThrownBy(() -> pair.endpoint.register("longer", memory.mapping(), 2 * SIZE))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("does not understand");
    }

    @Test
    void aRefusalIsAnErrno(Testbed bed) {
        RdmaEndpoint endpoint = link(bed).open("endpoint");
        MemoryRegion local = endpoint.register("local", SIZE);
        endpoint.queuePair("alone");
        DmaBuf buffer = DmaBuf.udmabuf(bed.agent(), SIZE, "buffer");

        assertThat(bed.agent().attempt("rdma.open", Map.of("name", "e", "dev", "rxe7")).errno())
                .isEqualTo("ENODEV");
        assertThat(
                        bed.agent()
                                .attempt("rdma.link", Map.of("name", "rxe1", "interface", "net0"))
                                .errno())
                .as("a second one over one interface")
                .isEqualTo("EEXIST");
        assertThat(
                        bed.agent()
                                .attempt(
                                        "rdma.post",
                                        Map.of("qp", "alone", "verb", "write", "mr", local.name()))
                                .errno())
                .isEqualTo("ENOTCONN");
        assertThat(endpoint.tryRegister("empty", 0).errno()).isEqualTo("EINVAL");
        assertThat(endpoint.tryRegister("shared", buffer, 0, 2 * SIZE).ok())
                .as("more than there is")
                .isFalse();
        assertThat(endpoint.tryRegister("useless", SIZE, Access.REMOTE_WRITE).errno())
                .as("what others may write its owner must be allowed to")
                .isEqualTo("EINVAL");
    }
}
