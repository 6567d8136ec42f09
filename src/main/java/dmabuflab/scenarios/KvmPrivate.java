// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Exit;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.Memslot;
import dmabuflab.guest.VfioDevice;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.Vm;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.EachTrigger;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.scenario.Trigger;
import dmabuflab.scenario.Trigger.Effect;
import dmabuflab.witness.BarFile;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Memory that a device has for one virtual machine only: who reaches it, and who does not. */
@Catalogue
class KvmPrivate {
    private static final long PAGE = Exporter.PAGE;
    private static final long MIB = 1 << 20;
    private static final long GPA = KvmWindow.GPA;
    private static final Range SOME = new Range(2 * MIB, 64 * PAGE);
    private static final String REFUSED = "EPERM";

    /** VFIO_REGION_INFO_FLAG_PRIVATE. */
    @Test
    @DisplayName("private accesses reach private memory, shared ones exit until userspace converts")
    @Proves({"KV5", "KV1"})
    @Devices("ivshmem:16M")
    void conversion(Testbed bed) {
        Vm vm = machine(bed);
        KvmWindow window = KvmWindow.ofPrivate(bed, bed.privateExporter(vm), vm, SOME).set();
        window.assertCutOff(0);

        window.convert(true);

        assertThat(window.vcpu().resume()).matches(Exit::complete);
        window.assertWorks();
        window.convert(false);
        window.assertCutOff(0);
        window.convert(true);
        window.assertWorks();
    }

    @Test
    @DisplayName("memory that is not private is not reached by private accesses")
    @Proves("KV5")
    @Devices("ivshmem:16M")
    void sharedSlotOfProtectedMachine(Testbed bed) {
        Vm vm = machine(bed);
        KvmWindow window = KvmWindow.in(bed, bed.exporter(), vm, SOME).set();
        window.assertWorks();

        window.convert(true);

        window.assertCutOff(Exit.PRIVATE);
        window.convert(false);
        assertThat(window.vcpu().resume()).matches(Exit::complete);
        window.assertWorks();
    }

    @Test
    @DisplayName("converting a page of a huge one leaves small ones around it, and it stays so")
    @Proves({"KV5", "KV1"})
    @Devices("ivshmem:16M")
    void partOfHugePage(Testbed bed) {
        Vm vm = machine(bed);
        Range range = new Range(4 * MIB, 4 * MIB);
        KvmWindow window = KvmWindow.ofPrivate(bed, bed.privateExporter(vm), vm, range).set();
        window.convert(true);
        window.assertWorks();
        assertThat(window.nested().translate(GPA)).get().matches(leaf -> leaf.order() == 9);
        long hole = GPA + 7 * PAGE;

        for (int round = 0; round < 3; round++) {
            vm.convert(hole, PAGE, false);
            assertThat(window.nested().translate(hole)).isEmpty();
            assertThat(window.vcpu().tryRead(hole, 8).reason()).isEqualTo(Exit.MEMORY_FAULT);
            window.assertReaches(6 * PAGE);
            window.assertReaches(8 * PAGE);
            assertThat(window.nested().leaves(GPA, 2 * MIB))
                    .allMatch(leaf -> leaf.order() == 0)
                    .noneMatch(leaf -> leaf.overlaps(hole, PAGE));

            vm.convert(hole, PAGE, true);
            window.assertReaches(7 * PAGE);
        }
        window.assertWorks();
    }

    // The exporters that need their memory to be prepared by the host cannot be private.
    @EachTrigger({
        Trigger.COMMAND_MEMORY,
        Trigger.DEVICE_RESET,
        Trigger.HOT_RESET,
        Trigger.CLOSE,
        Trigger.UNBIND,
        Trigger.HOT_UNPLUG
    })
    @DisplayName("private memory ends with a trigger like any other")
    @Proves({"KV2", "KV4", "KV5", "RV1", "RV2", "UR3"})
    void accessEnds(Testbed bed, Trigger trigger) {
        Vm vm = machine(bed);
        Exporter exporter = bed.privateExporter(vm);
        KvmWindow window =
                KvmWindow.ofPrivate(bed, exporter, vm, new Range(1 << 16, 64 * PAGE)).set();
        window.convert(true);
        window.assertWorks();

        trigger.pull(bed, exporter);

        window.assertZapped();
        if (trigger.effect() != Effect.MOMENTARY) {
            window.assertCutOff(Exit.PRIVATE);
        }
        if (trigger.effect() == Effect.TERMINAL) {
            window.delete();
            assertThat(window.trySet().errno()).isEqualTo("ENODEV");
            assertThat(bed.attachments()).isZero();
            return;
        }
        if (trigger.effect() == Effect.LASTING) {
            trigger.undo(bed, exporter);
            assertThat(window.vcpu().resume()).matches(Exit::complete);
        }
        window.assertWorks();
    }

    @Test
    @DisplayName("private memory goes to a private slot of its own machine, and nowhere else")
    @Proves("KV5")
    @Devices({"ivshmem:16M", "ivshmem:16M"})
    void ownMachineOnly(Testbed bed) {
        Vm vm = machine(bed);
        KvmWindow window = KvmWindow.ofPrivate(bed, bed.privateExporter(vm), vm, SOME);
        Memslot slot = window.slot();
        Memslot shared = slot.of(bed.exporter().export(SOME), 0);
        Memslot foreign = slot.of(DmaBuf.udmabuf(bed.agent(), SOME.length(), "udmabuf"), 0);
        Memslot pfnless = slot.of(DmaBuf.heap(bed.agent(), SOME.length(), "heap"), 0);
        Vm other = machine(bed);
        Vm ordinary = bed.vm();

        assertThat(other.trySet(slot).errno()).isEqualTo(REFUSED);
        assertThat(ordinary.trySet(slot).errno()).isEqualTo("EINVAL");
        assertThat(ordinary.trySet(slot.notPrivate()).errno()).isEqualTo(REFUSED);
        assertThat(vm.trySet(slot.notPrivate()).errno()).isEqualTo(REFUSED);
        assertThat(vm.trySet(shared).errno()).as("a device that is not private").isEqualTo(REFUSED);
        assertThat(vm.trySet(foreign).errno()).as("RAM of anybody").isEqualTo(REFUSED);
        assertThat(vm.trySet(pfnless).errno()).isEqualTo("EOPNOTSUPP");
        assertThat(bed.attachments()).isZero();
        window.set().convert(true);
        window.assertWorks();
    }

    // Machines of the usual kind drop all mappings when a slot is deleted, these only its own.
    @Test
    @DisplayName("a deleted slot is gone where no other mappings are dropped with it")
    @Proves({"KV3", "RV6"})
    @Devices("ivshmem:16M")
    void deleted(Testbed bed) {
        Vm vm = machine(bed);
        KvmWindow window = KvmWindow.ofPrivate(bed, bed.privateExporter(vm), vm, SOME).set();
        window.convert(true);
        window.assertWorks();

        window.delete();

        assertThat(bed.attachments()).isZero();
        window.assertUnmapped();
        assertThat(window.vcpu().tryRead(GPA + KvmWindow.USED, 8).reason())
                .isEqualTo(Exit.MEMORY_FAULT);
        window.set().assertWorks();
    }

    @Test
    @DisplayName("when its machine has ended, private memory is nobody's, whoever comes after")
    @Proves("KV5")
    @Devices("ivshmem:16M")
    void machineEnds(Testbed bed) {
        Vm vm = machine(bed);
        Exporter exporter = bed.privateExporter(vm);
        KvmWindow window = KvmWindow.ofPrivate(bed, exporter, vm, SOME).set();
        window.convert(true);
        window.assertWorks();

        window.vcpu().close();
        vm.close();

        // The device still has the dead machine's memory, so that none can take its place.
        for (int i = 0; i < 8; i++) {
            Vm next = machine(bed);
            assertThat(next.trySet(window.slot()).errno()).isEqualTo(REFUSED);
            next.close();
        }
        exporter.vfio().close();
        assertThat(machine(bed).trySet(window.slot()).errno()).isEqualTo(REFUSED);
    }

    @Test
    @DisplayName("a device can only be private to a machine that has private memory")
    @Proves("KV5")
    @Devices("ivshmem:16M")
    void bindNeedsMachine(Testbed bed) {
        Vm vm = machine(bed);
        Exporter exporter = bed.privateExporter(vm);
        String bdf = exporter.vfio().bdf();
        String name = exporter.vfio().name();
        exporter.vfio().close();

        Answer nobody =
                bed.agent().attempt("vfio.open", Map.of("bdf", bdf, "name", name, "private", 1));
        Answer ordinary =
                bed.agent().attempt("vfio.open", VfioDevice.privateTo(bdf, name, bed.vm()));

        assertThat(nobody.errno()).isEqualTo("EINVAL");
        assertThat(ordinary.errno()).isEqualTo("EINVAL");
        VfioDevice.openPrivate(bed.agent(), bdf, name, vm);
        KvmWindow window = KvmWindow.ofPrivate(bed, exporter, vm, SOME).set();
        window.convert(true);
        window.assertWorks();
    }

    @Test
    @DisplayName("nobody else gets at private memory: not the CPU, not an event, not an importer")
    @Proves("KV6")
    @Devices({"ivshmem:16M", "edu"})
    void everyOtherWayIsClosed(Testbed bed) {
        Vm vm = machine(bed);
        Exporter exporter = bed.privateExporter(vm);
        VfioDevice vfio = exporter.vfio();
        int bar = exporter.bar();
        DmaBuf buffer = exporter.export(SOME);
        exporter.memory().fill();
        BarFile.Snapshot before = exporter.memory().snapshot();
        Importer.Wish pfns = Importer.Wish.PFN_IMPORTER;

        assertThat(vfio.regionFlags(bar)).isEqualTo(VfioDevice.REGION_PRIVATE);
        assertThat(vfio.tryRead(bar, 0, 8).errno()).isEqualTo(REFUSED);
        assertThat(vfio.tryWrite(bar, 0, "ff").errno()).isEqualTo(REFUSED);
        assertThat(vfio.tryMap(bar, SOME, "mapping").errno()).isEqualTo(REFUSED);
        assertThat(vfio.tryIoeventfd(bar, 0, 7).errno()).isEqualTo(REFUSED);
        assertThat(bed.tryImporter(buffer, pfns, "pfns").errno()).isEqualTo(REFUSED);
        for (Importer.Wish wish :
                List.of(
                        pfns.mapOnly().forDevice(vfio.bdf()),
                        pfns.mapOnly().withoutNotify().forDevice(vfio.bdf()))) {
            assertThat(bed.tryImporter(buffer, wish, "map").errno()).isEqualTo(REFUSED);
        }
        Ioas ioas = bed.ioas();
        assertThat(ioas.tryMap(buffer, DmaWindow.IOVA, 0, SOME.length()).errno())
                .isEqualTo(REFUSED);

        assertThat(exporter.memory().changedRanges(before)).isEmpty();
        assertThat(bed.attachments()).isZero();
        KvmWindow window = KvmWindow.ofPrivate(bed, exporter, vm, SOME).set();
        window.convert(true);
        window.assertWorks();
    }

    @Test
    @DisplayName("the same ways are open for a device that is not private, again once it is closed")
    @Proves("KV6")
    @Devices("ivshmem:16M")
    void openAgainOnceClosed(Testbed bed) {
        Vm vm = machine(bed);
        Exporter exporter = bed.privateExporter(vm);
        VfioDevice vfio = exporter.vfio();
        int bar = exporter.bar();

        vfio.close();
        VfioDevice again = VfioDevice.reopen(bed.agent(), vfio.bdf(), vfio.name());
        again.memory(true);

        assertThat(again.regionFlags(bar) & VfioDevice.REGION_PRIVATE).isZero();
        assertThat(again.tryWrite(bar, 0, "0100000000000000")).matches(Answer::ok);
        assertThat(exporter.memory().readLong(0)).isEqualTo(1);
        assertThat(again.tryRead(bar, 0, 8)).matches(Answer::ok);
        assertThat(again.tryIoeventfd(bar, 0, 7)).matches(Answer::ok);
        assertThat(exporter.memory().readLong(0)).isEqualTo(7);
        assertThat(again.tryMap(bar, SOME, "mapping")).matches(Answer::ok);
    }

    @Test
    @DisplayName("who opens a private device a second time is refused, and changes nothing")
    @Proves({"KV6", "KV5"})
    @Devices("ivshmem:16M")
    void openedTwice(Testbed bed) {
        Vm vm = machine(bed);
        Exporter exporter = bed.privateExporter(vm);
        VfioDevice vfio = exporter.vfio();
        int bar = exporter.bar();
        KvmWindow window = KvmWindow.ofPrivate(bed, exporter, vm, SOME).set();
        window.convert(true);
        window.assertWorks();

        for (Map<String, ?> open :
                List.of(
                        Map.of("bdf", vfio.bdf(), "name", "again"),
                        VfioDevice.privateTo(vfio.bdf(), "again", machine(bed)),
                        VfioDevice.privateTo(vfio.bdf(), "again", vm))) {
            assertThat(bed.agent().attempt("vfio.open", open).errno()).isEqualTo("EINVAL");

            assertThat(vfio.regionFlags(bar)).isEqualTo(VfioDevice.REGION_PRIVATE);
            assertThat(vfio.tryRead(bar, 0, 8).errno()).isEqualTo(REFUSED);
            assertThat(vfio.tryWrite(bar, 0, "ff").errno()).isEqualTo(REFUSED);
            Memslot another = Memslot.at(2, 2 * GPA, SOME.length());
            assertThat(vm.trySet(another.ofPrivate(exporter.export(SOME), 0)))
                    .as("what is exported now is its machine's")
                    .matches(Answer::ok);
            vm.delete(another);
        }
        window.assertWorks();
    }

    @Test
    @DisplayName("a bind that fails makes nothing private, and a machine that let go has nothing")
    @Proves({"KV5", "KV6", "RV6"})
    @Devices("ivshmem:16M")
    void bindFails(Testbed bed) {
        Vm vm = machine(bed);
        Exporter exporter = bed.exporter();
        int bar = exporter.bar();
        String bdf = exporter.vfio().bdf();
        exporter.vfio().close();

        assertThat(bind(bed, bdf, vm, "left").errno()).isEqualTo("EINVAL");
        assertThat(bind(bed, bdf, vm, "no_iommufd").errno()).isEqualTo("EBADFD");

        VfioDevice again = VfioDevice.reopen(bed.agent(), bdf, "again");
        again.memory(true);
        assertThat(again.regionFlags(bar) & VfioDevice.REGION_PRIVATE).isZero();
        assertThat(again.tryWrite(bar, 0, "0100000000000000")).matches(Answer::ok);
        assertThat(exporter.memory().readLong(0)).isEqualTo(1);
    }

    private static Answer bind(Testbed bed, String bdf, Vm vm, String how) {
        Map<String, Object> arguments =
                new LinkedHashMap<>(VfioDevice.privateTo(bdf, "refused", vm));
        arguments.put(how, 1);
        return bed.agent().attempt("vfio.open", arguments);
    }

    private static Vm machine(Testbed bed) {
        KvmWindow.requireSeries(bed);
        return bed.vm(bed.agent(), Vm.Type.SW_PROTECTED);
    }
}
