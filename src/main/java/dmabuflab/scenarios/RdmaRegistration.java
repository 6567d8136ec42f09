// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Completion;
import dmabuflab.guest.Completion.Status;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Importer.Run;
import dmabuflab.guest.MemoryRegion;
import dmabuflab.guest.MemoryWindow;
import dmabuflab.guest.RdmaEndpoint.Access;
import dmabuflab.guest.TestExporter;
import dmabuflab.guest.TestExporter.Lifetime;
import dmabuflab.guest.TestExporter.Segment;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.Vm;
import dmabuflab.guest.WorkRequest;
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

/** Which dma-bufs become memory regions, and how these end. */
@Catalogue
@Devices("ivshmem:16M")
class RdmaRegistration {
    private static final long PAGE = Exporter.PAGE;
    private static final long PAGES = 64;
    private static final Range SOME = new Range(2 << 20, PAGES * PAGE);

    @Test
    @DisplayName("what is no part of the buffer, or not aligned like it, is refused")
    @Proves("RD1")
    void noPart(Testbed bed) {
        RdmaWindow window = RdmaWindow.of(bed, bed.exporter(), SOME);

        assertRefused(window, window.buffer(), 0, SOME.length() + 1, "EINVAL");
        assertRefused(window, window.buffer(), SOME.length(), 1, "EINVAL");
        assertRefused(window, window.buffer(), 0, 0, "EINVAL");
        assertRefused(window, window.buffer(), -PAGE, 2 * PAGE, "EINVAL");
        assertRefused(window, window.buffer(), 8, PAGE, "EINVAL");
        assertThat(bed.attachments()).isZero();
        window.register().assertWorks();
    }

    @Test
    @DisplayName("exporters without PFNs are refused at registration, with nothing left behind")
    @Proves({"NG1", "NG4"})
    void exporterWithoutPfns(Testbed bed) {
        RdmaWindow window = RdmaWindow.of(bed, bed.exporter(), SOME);
        DmaBuf heap = DmaBuf.heap(bed.agent(), SOME.length(), "heap");

        assertRefused(window, heap, 0, SOME.length(), "EOPNOTSUPP");

        assertThat(bed.attachments()).isZero();
        assertThat(bed.events("dma_buf_dynamic_attach")).isEmpty();
        window.register().assertWorks();
    }

    @Test
    @DisplayName("memory that is private to a virtual machine is no peer's")
    @Proves({"KV6", "AT3"})
    void privateMemory(Testbed bed) {
        RdmaWindow.requireSeries(bed);
        Vm vm = bed.vm(bed.agent(), Vm.Type.SW_PROTECTED);
        Exporter exporter = bed.privateExporter(vm);
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME);
        exporter.memory().fill();
        BarFile.Snapshot before = exporter.memory().snapshot();

        assertRefused(window, window.buffer(), 0, SOME.length(), "EPERM");
        assertThat(window.tryRegister(RdmaWindow.ON_DEMAND).errno()).isEqualTo("EPERM");

        assertThat(bed.attachments()).isZero();
        assertThat(exporter.memory().changedRanges(before)).isEmpty();
    }

    @Test
    @DisplayName("memory that CPUs cannot map is refused, whoever else takes it")
    @Proves({"AT3", "NG1"})
    void notForCpus(Testbed bed) {
        Exporter device = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, device, SOME);
        Segment segment = Segment.barWithoutCpu(device.vfio().bdf(), device.bar(), 4 << 20, PAGES);
        DmaBuf foreign =
                TestExporter.create(bed.agent(), "foreign", Lifetime.REVOCABLE, List.of(segment))
                        .buffer();
        assertThat(bed.importer(foreign).runs(0, PAGES))
                .extracting(Run::attrs)
                .containsExactly(Set.of("mmio", "uc"));
        bed.ioas().map(foreign, 1L << 30, 0, foreign.size());
        long attachments = bed.attachments();
        bed.trace().add(List.of(), List.of("p:dmabuflab/mapped ioremap"));

        assertRefused(window, foreign, 0, PAGES * PAGE, "EOPNOTSUPP");
        assertThat(
                        window.server()
                                .tryRegister("refused", foreign, 0, PAGE, RdmaWindow.ON_DEMAND)
                                .errno())
                .isEqualTo("EOPNOTSUPP");

        assertThat(bed.events(" mapped:")).as("what the driver mapped for the CPU").isEmpty();
        assertThat(bed.attachments()).isEqualTo(attachments);
        window.register().assertWorks();
        assertThat(bed.events(" mapped:")).hasSize(1);
    }

    @Test
    @DisplayName("memory that was revoked before cannot be registered, and can when it is back")
    @Proves({"RD2", "RD3", "RV4"})
    void whileRevoked(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME);

        exporter.vfio().memory(false);
        assertThat(window.tryRegister(RdmaWindow.PINNED).errno()).isEqualTo("ENODEV");
        assertThat(window.tryRegister(RdmaWindow.ON_DEMAND).errno()).isEqualTo("ENODEV");
        assertThat(bed.attachments()).isZero();
        exporter.vfio().memory(true);

        window.register(RdmaWindow.ON_DEMAND).assertWorks();
    }

    private static void assertRefused(
            RdmaWindow window, DmaBuf buffer, long offset, long length, String errno) {
        Answer answer = window.server().tryRegister("refused", buffer, offset, length);
        assertThat(answer.errno()).as("%d bytes from %d", length, offset).isEqualTo(errno);
    }

    @Test
    @DisplayName("rights can be changed later, and are checked from then on")
    @Proves("RD1")
    void rightsChange(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register();
        window.assertWorks();

        window.region().reregister(Access.LOCAL_WRITE, Access.REMOTE_READ);

        BarFile.Snapshot before = exporter.memory().snapshot();
        Completion write =
                window.from()
                        .post(WorkRequest.write(window.local(), 0, 8).remote(window.region(), 0));
        assertThat(write.status()).isEqualTo(Status.REMOTE_ACCESS);
        assertThat(exporter.memory().changedRanges(before)).isEmpty();
        window.region().reregister(RdmaWindow.PINNED);
        window.reconnect();
        window.assertWorks();
        assertThat(window.region().tryReregister(Access.LOCAL_WRITE, Access.MW_BIND).errno())
                .isEqualTo("EOPNOTSUPP");
        window.assertWorks();
    }

    @Test
    @DisplayName("a buffer that is open for reading only can be read by peers, never written")
    @Proves("RD1")
    void readOnlyBuffer(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME);
        DmaBuf readOnly = exporter.exportReadOnly(SOME);
        exporter.memory().fill();

        assertRefused(window, readOnly, 0, SOME.length(), "EACCES");
        MemoryRegion region =
                window.server()
                        .register("readable", readOnly, 0, SOME.length(), Access.REMOTE_READ);
        for (Access[] rights : List.of(RdmaWindow.PINNED, new Access[] {Access.LOCAL_WRITE})) {
            assertThat(region.tryReregister(rights).errno()).isEqualTo("EACCES");
            assertThat(
                            window.server()
                                    .tryRegister("refused", readOnly, 0, SOME.length(), rights)
                                    .errno())
                    .isEqualTo("EACCES");
        }

        RdmaWindow.assertSuccess(
                window.from().post(WorkRequest.read(window.local(), 0, 64).remote(region, 128)));
        assertThat(window.local().read(0, 64))
                .isEqualTo(exporter.memory().pattern(SOME.offset() + 128, 64));
        BarFile.Snapshot before = exporter.memory().snapshot();
        Completion write =
                window.from().post(WorkRequest.write(window.local(), 0, 8).remote(region, 0));
        assertThat(write.status()).isEqualTo(Status.REMOTE_ACCESS);
        assertThat(exporter.memory().changedRanges(before)).isEmpty();
    }

    @Test
    @DisplayName("memory windows on such a region are refused")
    @Proves("RD1")
    void memoryWindow(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register();
        MemoryWindow memoryWindow = window.server().window("mw", 2);

        Completion bound =
                window.to().bind(memoryWindow, window.region(), 0, PAGE, Access.REMOTE_WRITE);

        assertThat(bound.status()).isNotEqualTo(Status.SUCCESS);
        window.reconnect();
        window.assertWorks();
        assertThat(
                        window.server()
                                .tryRegister(
                                        "bindable",
                                        window.buffer(),
                                        0,
                                        SOME.length(),
                                        Access.LOCAL_WRITE,
                                        Access.MW_BIND)
                                .ok())
                .isFalse();
    }

    @Test
    @DisplayName("a region keeps its buffer, not the device: it outlives fds and ends with it")
    @Proves({"RD2", "UR4", "LK2"})
    void outlivesDescriptors(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register();
        window.buffer().close();
        window.assertWorks();
        assertThat(bed.buffers()).isEqualTo(1);

        exporter.vfio().close();

        window.assertCutOff();
        assertThat(bed.buffers()).isEqualTo(1);
        window.region().deregister();
        assertThat(bed.buffers()).as("dma-bufs when the region is gone").isZero();
    }

    @Test
    @DisplayName("what was deregistered is out of reach, and its buffer can be registered again")
    @Proves("RD2")
    void deregistered(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register();
        window.assertWorks();
        MemoryRegion old = window.region();
        old.deregister();
        assertThat(bed.attachments()).isZero();
        BarFile.Snapshot before = exporter.memory().snapshot();

        Completion write =
                window.from().post(WorkRequest.write(window.local(), 0, 8).remote(old, 0));

        assertThat(write.status()).isEqualTo(Status.REMOTE_ACCESS);
        assertThat(exporter.memory().changedRanges(before)).isEmpty();
        window.reconnect();
        window.register().assertWorks();
    }

    @Test
    @DisplayName("the key of a revoked region is nobody else's until it is deregistered")
    @Proves("RD2")
    void keyStaysTaken(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register(RdmaWindow.PINNED);
        long index = window.region().rkey() >> 8;
        exporter.vfio().memory(false);
        window.assertCutOff();
        exporter.vfio().memory(true);

        for (int i = 0; i < 8; i++) {
            MemoryRegion other =
                    window.server().register("other" + i, window.buffer(), 0, SOME.length());
            assertThat(other.rkey() >> 8).as("index of another region").isNotEqualTo(index);
        }
        window.assertCutOff();
        window.region().deregister();
    }

    @Test
    @DisplayName("two regions over one buffer are revoked both, and live on their own")
    @Proves({"RD2", "RD3"})
    void twoRegions(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register(RdmaWindow.PINNED);
        MemoryRegion pinned = window.region();
        window.register(RdmaWindow.ON_DEMAND).assertWorks();
        assertThat(bed.attachments()).isEqualTo(2);

        exporter.vfio().memory(false);
        window.assertCutOff();
        exporter.vfio().memory(true);

        window.assertWorks();
        pinned.deregister();
        window.assertWorks();
        assertThat(bed.attachments()).isEqualTo(1);
    }
}
