// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.GuestProcess;
import dmabuflab.guest.Hold;
import dmabuflab.guest.Job;
import dmabuflab.guest.Memslot;
import dmabuflab.guest.Vcpu;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.Vm;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.NestedView;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.BarFile;
import java.util.function.Supplier;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Machines with a slot over a dma-buf, and what is left when they, or all others, end. */
@Catalogue
@Devices("ivshmem:16M")
class KvmTeardown {
    private static final long GPA = KvmWindow.GPA;
    private static final Range SOME = new Range(2 << 20, 64 * Exporter.PAGE);

    @Test
    @DisplayName("a slot keeps its buffer, not the device: closing fds in any order is safe")
    @Proves({"KV3", "UR4", "LK2"})
    void closedInAnyOrder(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        window.buffer().close();
        window.assertWorks();
        assertThat(bed.buffers()).isEqualTo(1);

        exporter.vfio().close();

        window.assertZapped();
        window.assertCutOff();
        window.vm().close();
        window.assertCutOff();
        window.vcpu().close();
        assertThat(bed.buffers()).as("dma-bufs when the machine is gone").isZero();
    }

    @Test
    @DisplayName("the machine goes first: the exporter has no importer left to tell")
    @Proves({"KV3", "RV6"})
    void machineGoesFirst(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        window.assertWorks();

        window.vcpu().close();
        assertUnmappedBeforeDetached(bed, window.nested(), window.vm()::closeAsJob);

        assertThat(bed.attachments()).isZero();
        exporter.vfio().memory(false);
        exporter.vfio().memory(true);
        KvmWindow.in(bed, exporter, bed.vm(), SOME).set().assertWorks();
    }

    @Test
    @DisplayName("a process that is killed while its vCPU writes leaves nothing that could write")
    @Proves({"KV3", "RV6"})
    void processKilled(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow.requireSeries(bed);
        GuestProcess process = GuestProcess.start(bed.agent(), "process");
        DmaBuf exported = exporter.export(SOME);
        DmaBuf buffer = process.give(exported);
        Vm vm = bed.vm(process.agent(), Vm.Type.DEFAULT);
        vm.set(Memslot.at(1, GPA, SOME.length()).of(buffer, 0));
        NestedView nested = bed.nested(vm);
        Vcpu vcpu = vm.vcpu("vcpu");
        vcpu.hammer(GPA, 1, 0);
        awaitWrites(bed, exporter);
        assertThat(nested.translate(GPA).orElseThrow().pfn())
                .isEqualTo(exporter.pfn(SOME.offset()));

        assertUnmappedBeforeDetached(bed, nested, process::killAsJob);

        BarFile.Snapshot last = exporter.memory().snapshot();
        exported.close();
        assertThat(bed.buffers()).as("dma-bufs that the process has left").isZero();
        exporter.vfio().memory(false);
        exporter.vfio().memory(true);
        DeviceRelease.assertFree(bed, exporter);
        assertThat(exporter.memory().changedRanges(last)).as("memory that changed").isEmpty();
    }

    /** When KVM lets go of the buffer of a machine that ends, its tables have nothing of it. */
    private static void assertUnmappedBeforeDetached(
            Testbed bed, NestedView nested, Supplier<Job> end) {
        Job ends;
        try (Hold detached = Hold.at(bed.agent(), "dma_buf_detach")) {
            ends = end.get();
            detached.await(bed.limit());
            assertThat(nested.leaves(GPA, SOME.length())).isEmpty();
            assertThat(bed.attachments()).isZero();
        }
        assertThat(bed.complete(ends)).matches(Answer::ok);
    }

    /** The vCPU's counter in memory goes up. */
    private static void awaitWrites(Testbed bed, Exporter exporter) {
        bed.await(
                "the vCPU of the other process writes",
                () -> exporter.memory().readLong(SOME.offset()) >= 100);
    }
}
