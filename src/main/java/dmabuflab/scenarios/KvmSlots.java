// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.BarMapping;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Exit;
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
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Memslots over dma-bufs: which there can be, what they map, and how they go. */
@Catalogue
@Devices("ivshmem:16M")
class KvmSlots {
    private static final long PAGE = Exporter.PAGE;
    private static final long GPA = KvmWindow.GPA;
    private static final Range SOME = new Range(2 << 20, 64 * PAGE);

    /** The second one first, and what lies between them is not shared. */
    private static final Range[] TWO = {
        new Range(8 << 20, 16 * PAGE), new Range(2 << 20, 16 * PAGE)
    };

    @Test
    @DisplayName("a slot over a slice across ranges maps each page to its own frame")
    @Proves({"KV1", "PQ5"})
    void sliceAcrossRanges(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow slice = KvmWindow.of(bed, exporter, TWO).part(1, 5 * PAGE, 20 * PAGE, GPA).set();

        Exit exit = slice.vcpu().tryWrites(GPA, 1, 20, PAGE);

        assertThat(exit.done()).isEqualTo(20);
        assertThat(slice.nested().leaves(GPA, 20 * PAGE)).hasSize(20);
        slice.assertWorks();
        assertThat(slice.vcpu().tryRead(GPA + 20 * PAGE, 8).reason()).isEqualTo(Exit.MMIO);
        assertThat(slice.vcpu().tryRead(GPA - PAGE, 8).reason()).isEqualTo(Exit.MMIO);
    }

    @Test
    @DisplayName("reads, writes and atomics of each width reach the memory behind the slot")
    @Proves("KV1")
    void everyWidth(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        Vcpu vcpu = window.vcpu();
        for (int width : List.of(1, 2, 4, 8)) {
            long gpa = GPA + width * PAGE;
            long at = SOME.offset() + width * PAGE;
            long mask = width == 8 ? -1 : (1L << (8 * width)) - 1;
            exporter.memory().write(at, new byte[8]);

            assertThat(vcpu.tryWrite(gpa, width, 0x8877_6655_4433_2211L).complete()).isTrue();
            assertThat(exporter.memory().readLong(at)).isEqualTo(0x8877_6655_4433_2211L & mask);
            assertThat(vcpu.tryAdd(gpa, width, 1).value()).isEqualTo(0x8877_6655_4433_2211L & mask);
            assertThat(exporter.memory().readLong(at)).isEqualTo(0x8877_6655_4433_2212L & mask);
            assertThat(vcpu.tryExchange(gpa, width, 0x8877_6655_4433_2212L & mask, 7).complete())
                    .isTrue();
            assertThat(exporter.memory().readLong(at)).isEqualTo(7);
            assertThat(vcpu.tryRead(gpa, width).value()).isEqualTo(7);
        }
    }

    @Test
    @DisplayName("two slots and two machines share a buffer, and lose it together")
    @Proves({"KV1", "KV2", "RV2"})
    void severalSlots(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow first = KvmWindow.of(bed, exporter, SOME).set();
        KvmWindow overlapping = first.part(2, 8 * PAGE, 32 * PAGE, 2 * GPA).set();
        KvmWindow second = first.in(bed.vm()).set();
        List<KvmWindow> all = List.of(first, overlapping, second);
        all.forEach(KvmWindow::assertWorks);
        assertThat(bed.attachments()).isEqualTo(3);

        exporter.vfio().memory(false);

        all.forEach(KvmWindow::assertZapped);
        all.forEach(KvmWindow::assertCutOff);
        exporter.vfio().memory(true);
        all.forEach(KvmWindow::assertWorks);
    }

    @Test
    @DisplayName("a revoke zaps its own slot and no other")
    @Proves("KV2")
    @Devices({"ivshmem:16M", "ivshmem:16M"})
    void otherSlotStays(Testbed bed) {
        Exporter exporter = bed.exporter();
        Exporter other = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        DmaBuf kept = other.export(SOME);
        // Right behind, so that a page too many would be this one's.
        Memslot next = Memslot.at(2, GPA + SOME.length(), SOME.length()).of(kept, 0);
        window.vm().set(next);
        window.assertWorks();
        window.vcpu().tryWrites(next.gpa(), 1, 64, PAGE);
        List<?> before = window.nested().leaves(next.gpa(), next.size());
        assertThat(before).hasSize(64);

        exporter.vfio().memory(false);

        window.assertZapped();
        assertThat(window.nested().leaves(next.gpa(), next.size())).isEqualTo(before);
    }

    @Test
    @DisplayName("what cannot be a slot is refused with an errno, and nothing is left behind")
    @Proves({"KV1", "KV3", "NG4", "RV6"})
    void refused(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME);
        Memslot slot = window.slot();
        DmaBuf buffer = window.buffer();
        BarMapping mapping = exporter.vfio().map(exporter.bar(), SOME, "mapping");

        assertRefused(window, slot.flags(Memslot.READONLY), "EINVAL");
        assertRefused(window, slot.flags(Memslot.LOG_DIRTY), "EINVAL");
        assertRefused(window, slot.of(buffer, 1), "EINVAL");
        assertRefused(window, slot.of(buffer, PAGE), "EINVAL");
        assertRefused(window, slot.of(buffer, Long.MAX_VALUE & -PAGE), "EINVAL");
        assertRefused(window, slot.resized(SOME.length() + PAGE), "EINVAL");
        assertRefused(window, slot.over(mapping, 0), "EINVAL");
        Memslot beside = Memslot.at(2, GPA + PAGE, PAGE).of(buffer, 0);
        window.set();
        assertThat(window.vm().trySet(beside).errno()).as("GPAs taken").isEqualTo("EEXIST");
        window.delete();
        exporter.vfio().memory(false);
        assertRefused(window, slot, "ENODEV");
        exporter.vfio().memory(true);
        DmaBuf readOnly = exporter.exportReadOnly(SOME);
        assertRefused(window, slot.of(readOnly, 0), "EACCES");
        readOnly.close();
        DmaBuf pfnless = DmaBuf.heap(bed.agent(), SOME.length(), "heap");
        assertRefused(window, slot.of(pfnless, 0), "EOPNOTSUPP");
        pfnless.close();
        window.set().assertWorks();
        window.delete();
        buffer.close();
        assertThat(bed.buffers()).as("dma-bufs that a refused slot keeps").isZero();
    }

    @Test
    @DisplayName("RAM that somebody shares backs a slot like a BAR does")
    @Proves({"KV1", "LC1"})
    void ofRam(Testbed bed) {
        KvmWindow.requireSeries(bed);
        Vm vm = bed.vm();
        NestedView nested = bed.nested(vm);
        DmaBuf buffer = DmaBuf.udmabuf(bed.agent(), SOME.length(), PAGE, false, "ram");
        vm.set(Memslot.at(1, GPA, SOME.length()).of(buffer, 0));
        Vcpu vcpu = vm.vcpu("vcpu");

        for (long at = 0; at < SOME.length(); at += 8 * PAGE) {
            vcpu.write(GPA + at, ~at);
            long frame = nested.translate(GPA + at).orElseThrow().pfn();
            assertThat(bed.ram().readLong(frame * PAGE)).as("in the RAM").isEqualTo(~at);
        }
        vm.delete(Memslot.at(1, GPA, SOME.length()));
        assertThat(nested.leaves(GPA, SOME.length())).isEmpty();
        assertThat(bed.attachments()).isZero();
    }

    private static void assertRefused(KvmWindow window, Memslot slot, String errno) {
        assertThat(window.vm().trySet(slot).errno()).as("%s", slot).isEqualTo(errno);
        assertThat(window.vcpu().tryRead(GPA + KvmWindow.USED, 8).reason()).isEqualTo(Exit.MMIO);
        window.assertUnmapped();
    }

    @Test
    @DisplayName(
            "a slot can be deleted and nothing else: other changes are refused, it still works")
    @Proves("KV3")
    void immutable(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        Memslot slot = window.slot();
        BarMapping mapping = exporter.vfio().map(exporter.bar(), SOME, "mapping");
        window.assertWorks();

        for (Memslot changed :
                List.of(
                        slot,
                        slot.movedTo(2 * GPA),
                        slot.resized(SOME.length() / 2),
                        slot.flags(Memslot.LOG_DIRTY),
                        slot.flags(Memslot.READONLY),
                        Memslot.at(1, GPA, SOME.length()).over(mapping, 0),
                        Memslot.at(1, GPA, SOME.length()).flags(Memslot.LOG_DIRTY))) {
            assertThat(window.vm().trySet(changed).errno()).as("%s", changed).isEqualTo("EINVAL");
            window.assertWorks();
        }
        assertThat(bed.attachments()).isEqualTo(1);
    }

    @Test
    @DisplayName("a deleted slot is gone for vCPUs, and for the exporter")
    @Proves({"KV3", "RV6"})
    void deleted(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        window.assertWorks();

        window.delete();

        assertThat(bed.attachments()).isZero();
        window.assertUnmapped();
        assertThat(window.vcpu().tryRead(GPA + KvmWindow.USED, 8).reason()).isEqualTo(Exit.MMIO);
        exporter.vfio().memory(false);
        exporter.vfio().memory(true);
        window.set().assertWorks();
    }

    @Test
    @DisplayName("what was an access to nothing is done in a slot that is set before it goes on")
    @Proves("KV1")
    void setDuringAnExit(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME);
        long at = SOME.offset() + KvmWindow.USED;
        exporter.memory().fill();
        long was = exporter.memory().readLong(at);
        assertThat(window.vcpu().tryAdd(GPA + KvmWindow.USED, 8, 1).reason()).isEqualTo(Exit.MMIO);

        window.set();

        assertThat(window.vcpu().resume()).matches(Exit::complete);
        assertThat(exporter.memory().readLong(at)).isEqualTo(was + 1);
        window.assertWorks();
    }
}
