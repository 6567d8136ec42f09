// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dmabuflab.guest.Completion;
import dmabuflab.guest.Completion.Status;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Importer.Pfn;
import dmabuflab.guest.MemoryRegion;
import dmabuflab.guest.QueuePair;
import dmabuflab.guest.QueuePair.Path;
import dmabuflab.guest.RdmaEndpoint.Access;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.WorkRequest;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.BarFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What peers move into and out of a BAR by RDMA: every byte where it belongs, and no other. */
@Catalogue
@Devices("ivshmem:16M")
class RdmaTransfers {
    private static final long PAGE = Exporter.PAGE;
    private static final Range SOME = new Range(2 << 20, 64 * PAGE);
    private static final int MTU = Path.DEFAULT.mtu();
    private static final long IOVA = 0x7f_1234_5000L;

    /** Copies to and from the memory of devices, which the compiler cannot do by itself. */
    private static final List<String> IO_ACCESSORS =
            List.of(
                    "p:dmabuflab/to_io memcpy_toio to=%di:x64 length=%dx:u64",
                    "p:dmabuflab/from_io memcpy_fromio from=%si:x64 length=%dx:u64");

    @Test
    @DisplayName("RDMA READ and WRITE reach exactly the BAR's bytes that the region stands for")
    @Proves("RD1")
    void readAndWrite(Testbed bed) {
        RdmaWindow.of(bed, bed.exporter(), SOME).register().assertWorks();
    }

    @Test
    @DisplayName("writes and reads of all sizes, across pages and packets, hit every byte")
    @Proves("RD1")
    void sizes(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register();

        transfer(exporter, window, 0, 1);
        transfer(exporter, window, SOME.length() - 1, 1);
        transfer(exporter, window, 3, 7);
        transfer(exporter, window, PAGE - 1, 2);
        transfer(exporter, window, PAGE, MTU);
        transfer(exporter, window, PAGE, MTU + 1);
        transfer(exporter, window, 7 * PAGE + MTU - 3, (int) PAGE + 1);
        transfer(exporter, window, PAGE - 1, 65535);
        window.from().reset();
        window.to().reset();
        QueuePair.connect(window.from(), window.to(), Path.DEFAULT.withMtu(256));
        transfer(exporter, window, PAGE - 100, 5000);
    }

    /** Writes other bytes and reads them back. */
    private static void transfer(Exporter exporter, RdmaWindow window, long offset, int length) {
        byte[] data = new byte[length];
        new Random(31 * offset + length).nextBytes(data);
        byte[] expected = content(exporter);
        System.arraycopy(data, 0, expected, (int) (PAGE + offset), length);

        write(window, data, offset);

        assertThat(content(exporter))
                .as("the BAR after %d bytes to offset 0x%x", length, offset)
                .isEqualTo(expected);
        MemoryRegion local = window.local();
        local.fill(1 << 19, length, 0);
        RdmaWindow.assertSuccess(
                window.from()
                        .post(
                                WorkRequest.read(local, 1 << 19, length)
                                        .remote(window.region(), offset)));
        assertThat(local.read(1 << 19, length)).as("read back").isEqualTo(data);
    }

    private static void write(RdmaWindow window, byte[] data, long offset) {
        window.local().write(0, data);
        RdmaWindow.assertSuccess(
                window.from()
                        .post(
                                WorkRequest.write(window.local(), 0, data.length)
                                        .remote(window.region(), offset)));
    }

    /** Of the part of the BAR that is exported, and a page on either side of it. */
    private static byte[] content(Exporter exporter) {
        return exporter.memory().read(SOME.offset() - PAGE, (int) (SOME.length() + 2 * PAGE));
    }

    @Test
    @DisplayName("all of a BAR in one message")
    @Proves("RD1")
    @Devices("ivshmem:4M")
    void wholeBar(Testbed bed) {
        Exporter exporter = bed.exporter();
        Range all = new Range(0, exporter.size());
        RdmaWindow window = RdmaWindow.of(bed, exporter, all).register();
        MemoryRegion large = window.client().register("large", exporter.size());
        exporter.memory().fill();

        RdmaWindow.assertSuccess(
                window.from()
                        .post(
                                WorkRequest.read(large, 0, exporter.size())
                                        .remote(window.region(), 0)));

        for (long at = 0; at < exporter.size(); at += 1 << 16) {
            assertThat(large.read(at, 1 << 16)).isEqualTo(exporter.memory().read(at, 1 << 16));
        }
    }

    @Test
    @DisplayName("SEND is received in a BAR, and a number can come with a WRITE")
    @Proves("RD1")
    void sendAndImmediate(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register();
        exporter.memory().fill();
        BarFile.Snapshot before = exporter.memory().snapshot();
        byte[] message = new byte[3000];
        new Random(1).nextBytes(message);
        window.local().write(0, message);

        window.to().receive(window.region(), 5 * PAGE - 1000, 4096);
        RdmaWindow.assertSuccess(
                window.from().post(WorkRequest.send(window.local(), 0, message.length)));
        Completion received = window.to().awaitReceived();
        assertThat(received.length()).isEqualTo(message.length);
        assertThat(exporter.memory().read(SOME.offset() + 5 * PAGE - 1000, message.length))
                .isEqualTo(message);
        assertThat(exporter.memory().changedRanges(before))
                .containsExactly(
                        new BarFile.Range(SOME.offset() + 5 * PAGE - 1000, message.length));

        window.to().receive(window.region(), 0, 0);
        RdmaWindow.assertSuccess(
                window.from()
                        .post(
                                WorkRequest.writeImm(window.local(), 0, 8, 77)
                                        .remote(window.region(), 0)));
        assertThat(window.to().awaitReceived().imm()).isEqualTo(77);
        assertThat(exporter.memory().read(SOME.offset(), 8)).isEqualTo(Arrays.copyOf(message, 8));
    }

    @Test
    @DisplayName("atomics on a BAR do what they say, and tell what was there")
    @Proves("RD1")
    void atomics(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register();
        long at = SOME.offset() + PAGE + 8;
        exporter.memory().fill();
        long was = exporter.memory().readLong(at);
        BarFile.Snapshot before = exporter.memory().snapshot();

        assertThat(atomic(window, WorkRequest.fetchAdd(window.local(), 0, 5))).isEqualTo(was);
        assertThat(exporter.memory().readLong(at)).isEqualTo(was + 5);
        assertThat(atomic(window, WorkRequest.compareSwap(window.local(), 0, was, 1)))
                .as("something else is expected")
                .isEqualTo(was + 5);
        assertThat(exporter.memory().readLong(at)).isEqualTo(was + 5);
        assertThat(atomic(window, WorkRequest.compareSwap(window.local(), 0, was + 5, 42)))
                .isEqualTo(was + 5);
        assertThat(exporter.memory().readLong(at)).isEqualTo(42);
        assertThat(exporter.memory().changedRanges(before))
                .containsExactly(new BarFile.Range(at, 8));
    }

    private static long atomic(RdmaWindow window, WorkRequest request) {
        RdmaWindow.assertSuccess(window.from().post(request.remote(window.region(), PAGE + 8)));
        return ByteBuffer.wrap(window.local().read(0, 8)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    @Test
    @DisplayName("from the BAR of one device into that of another, no host memory in between")
    @Proves("RD1")
    @Devices({"ivshmem:16M", "ivshmem:16M"})
    void deviceToDevice(Testbed bed) {
        Exporter source = bed.exporter();
        Exporter target = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, target, SOME).register();
        MemoryRegion from =
                window.client().register("source", source.export(SOME), 0, SOME.length());
        source.memory().fill();
        target.memory().fill();
        int length = (int) (9 * PAGE + 8);

        RdmaWindow.assertSuccess(
                window.from()
                        .post(
                                WorkRequest.write(from, 8, length)
                                        .remote(window.region(), 3 * PAGE)));

        assertThat(target.memory().read(SOME.offset() + 3 * PAGE, length))
                .isEqualTo(source.memory().pattern(SOME.offset() + 8, length));
        BarFile.Snapshot before = source.memory().snapshot();
        RdmaWindow.assertSuccess(
                window.from()
                        .post(WorkRequest.read(from, PAGE, length).remote(window.region(), PAGE)));
        assertThat(source.memory().changedRanges(before))
                .containsExactly(new BarFile.Range(SOME.offset() + PAGE, length));
    }

    @Test
    @DisplayName("ranges with a hole between them are one region, and the hole stays out of reach")
    @Proves({"RD1", "PQ5", "CO1"})
    void severalRanges(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window =
                RdmaWindow.of(
                                bed,
                                exporter,
                                new Range(40 * PAGE, 3 * PAGE),
                                new Range(7 * PAGE, PAGE),
                                new Range(44 * PAGE, 8 * PAGE))
                        .register();
        exporter.memory().fill();
        byte[] data = new byte[(int) (12 * PAGE)];
        new Random(2).nextBytes(data);

        write(window, data, 0);

        BarFile memory = exporter.memory();
        assertThat(memory.read(40 * PAGE, (int) (3 * PAGE)))
                .isEqualTo(Arrays.copyOf(data, (int) (3 * PAGE)));
        assertThat(memory.read(7 * PAGE, (int) PAGE))
                .isEqualTo(Arrays.copyOfRange(data, (int) (3 * PAGE), (int) (4 * PAGE)));
        assertThat(memory.read(44 * PAGE, (int) (8 * PAGE)))
                .isEqualTo(Arrays.copyOfRange(data, (int) (4 * PAGE), data.length));
        assertThat(memory.read(43 * PAGE, (int) PAGE))
                .as("the hole")
                .isEqualTo(memory.pattern(43 * PAGE, (int) PAGE));
        window.assertWorks();
    }

    @Test
    @DisplayName("a region of part of a buffer, neither offset nor length in whole pages")
    @Proves("RD1")
    void unalignedPart(Testbed bed) {
        Exporter exporter = bed.exporter();
        long offset = 5 * PAGE + 0x123;
        long length = 2 * PAGE + 0x77;
        RdmaWindow window =
                RdmaWindow.of(bed, exporter, SOME).registerAt(IOVA + 0x123, offset, length);
        exporter.memory().fill();
        byte[] data = new byte[(int) length];
        new Random(3).nextBytes(data);
        byte[] expected = content(exporter);
        System.arraycopy(data, 0, expected, (int) (PAGE + offset), data.length);

        write(window, data, 0);

        assertThat(content(exporter)).isEqualTo(expected);
        for (long outside : new long[] {-1, length}) {
            assertRefused(window, WorkRequest.write(window.local(), 0, 1), outside);
        }
        assertThat(content(exporter)).isEqualTo(expected);
    }

    @Test
    @DisplayName(
            "what is out of range, without the right or by a wrong key fails, touching nothing")
    @Proves("RD1")
    void refused(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window =
                RdmaWindow.of(bed, exporter, SOME).register(Access.LOCAL_WRITE, Access.REMOTE_READ);
        MemoryRegion local = window.local();
        exporter.memory().fill();
        BarFile.Snapshot before = exporter.memory().snapshot();

        assertRefused(window, WorkRequest.write(local, 0, 8), 0);
        assertRefused(window, WorkRequest.fetchAdd(local, 0, 8), 0);
        assertRefused(window, WorkRequest.read(local, 0, 9), SOME.length() - 8);
        assertRefused(window, WorkRequest.read(local, 0, 8), SOME.length());
        assertRefused(window, WorkRequest.read(local, 0, 8), -8);
        window.reconnect();
        long wrong = window.region().rkey() ^ 1;
        assertThat(window.from().post(WorkRequest.read(local, 0, 8).remote(0, wrong)).status())
                .isEqualTo(Status.REMOTE_ACCESS);
        window.reconnect();
        RdmaWindow.assertSuccess(
                window.from().post(WorkRequest.read(local, 0, 8).remote(window.region(), 0)));
        assertThat(exporter.memory().changedRanges(before)).isEmpty();
    }

    private static void assertRefused(RdmaWindow window, WorkRequest request, long offset) {
        window.reconnect();
        Completion completion = window.from().post(request.remote(window.region(), offset));
        assertThat(completion.status()).as("%s", completion).isEqualTo(Status.REMOTE_ACCESS);
        window.reconnect();
    }

    @Test
    @DisplayName("the memory of a device is copied by io accessors only")
    @Proves("RD4")
    void ioAccessors(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register();
        bed.trace().add(List.of(), IO_ACCESSORS);
        byte[] data = new byte[(int) (2 * PAGE)];
        new Random(4).nextBytes(data);

        write(window, data, PAGE);
        RdmaWindow.assertSuccess(
                window.from()
                        .post(
                                WorkRequest.read(window.local(), 1 << 19, data.length)
                                        .remote(window.region(), PAGE)));

        assertThat(exporter.memory().read(SOME.offset() + PAGE, data.length)).isEqualTo(data);
        assertThat(copied(bed, "to_io:")).as("bytes stored by memcpy_toio").isEqualTo(data.length);
        assertThat(copied(bed, "from_io:"))
                .as("bytes loaded by memcpy_fromio")
                .isEqualTo(data.length);
    }

    private static long copied(Testbed bed, String probe) {
        return bed.events(probe).stream()
                .mapToLong(line -> Long.parseLong(line.replaceAll(".*length=(\\d+).*", "$1")))
                .sum();
    }

    @Test
    @DisplayName("RAM is a region by its PFNs too, and has what a peer wrote at these")
    @Proves({"RD1", "CO1"})
    void ram(Testbed bed) {
        int pages = 16;
        RdmaWindow window = RdmaWindow.of(bed, bed.exporter(), SOME).register();
        DmaBuf buffer = DmaBuf.udmabuf(bed.agent(), pages * PAGE, PAGE, false, "ram");
        MemoryRegion region = window.server().register("ram-region", buffer, 0, pages * PAGE);
        List<Pfn> frames = bed.importer(buffer).range(0, pages);
        byte[] data = new byte[(int) (pages * PAGE)];
        new Random(5).nextBytes(data);
        window.local().write(0, data);

        RdmaWindow.assertSuccess(
                window.from()
                        .post(WorkRequest.write(window.local(), 0, data.length).remote(region, 0)));

        for (int page = 0; page < pages; page++) {
            assertThat(bed.ram().read(frames.get(page).pfn() * PAGE, (int) PAGE))
                    .as("the frame of page %d", page)
                    .isEqualTo(
                            Arrays.copyOfRange(
                                    data, (int) (page * PAGE), (int) ((page + 1) * PAGE)));
        }
        RdmaWindow.assertSuccess(
                window.from().post(WorkRequest.fetchAdd(window.local(), 0, 1).remote(region, 0)));
        assertThat(window.local().read(0, 8)).isEqualTo(Arrays.copyOf(data, 8));
        RdmaWindow.assertSuccess(
                window.from()
                        .post(
                                WorkRequest.read(window.local(), 1 << 19, data.length - 8)
                                        .remote(region, 8)));
        assertThat(window.local().read(1 << 19, data.length - 8))
                .isEqualTo(Arrays.copyOfRange(data, 8, data.length));
    }

    @Test
    @DisplayName("a region shorter than a page that lies in two of them")
    @Proves("RD1")
    void acrossAPage(Testbed bed) {
        Exporter exporter = bed.exporter();
        int length = 32;
        long offset = PAGE - length / 2;
        RdmaWindow window =
                RdmaWindow.of(bed, exporter, SOME).registerAt(IOVA + offset, offset, length);
        exporter.memory().fill();
        byte[] data = new byte[length];
        new Random(6).nextBytes(data);
        byte[] expected = content(exporter);
        System.arraycopy(data, 0, expected, (int) (PAGE + offset), length);

        write(window, data, 0);

        assertThat(content(exporter)).isEqualTo(expected);
    }

    @Test
    @DisplayName("more ranges than are looked up at once are one region")
    @Proves({"RD1", "PQ5"})
    void manyRanges(Testbed bed) {
        Exporter exporter = bed.exporter();
        int count = 100;
        Range[] ranges = new Range[count];
        for (int i = 0; i < count; i++) {
            ranges[i] = new Range(2L * (count - i) * PAGE, PAGE);
        }
        RdmaWindow window = RdmaWindow.of(bed, exporter, ranges).register();
        exporter.memory().fill();
        byte[] data = new byte[(int) PAGE];
        Random random = new Random(7);

        for (int i = 0; i < count; i++) {
            random.nextBytes(data);
            write(window, data, i * PAGE);
            assertThat(exporter.memory().read(ranges[i].offset(), data.length))
                    .as("range %d", i)
                    .isEqualTo(data);
        }

        window.assertWorks();
    }

    @Test
    @DisplayName("in a range of more than 4 GiB each byte is where it belongs")
    @Proves({"RD1", "PQ5"})
    @Devices("ivshmem:8G")
    void beyondFourGib(Testbed bed) {
        assumeFalse(
                bed.kernelHas("CONFIG_KASAN"),
                "KASAN would shadow the BAR with more than 1 GiB, the guest has 1.5; run it"
                        + " without");
        Exporter exporter = bed.exporter();
        long gib = 1L << 30;
        RdmaWindow window = RdmaWindow.of(bed, exporter, new Range(gib, 6 * gib)).register();
        byte[] data = {1, 2, 3, 4, 5, 6, 7, 8};

        write(window, data, 5 * gib);

        assertThat(exporter.memory().read(6 * gib, data.length)).isEqualTo(data);
        assertThat(exporter.memory().read(2 * gib, data.length)).as("4 GiB before").containsOnly(0);
    }
}
