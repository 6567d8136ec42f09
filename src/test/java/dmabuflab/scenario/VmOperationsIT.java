// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.BarMapping;
import dmabuflab.guest.Exit;
import dmabuflab.guest.Fault;
import dmabuflab.guest.GuestProcess;
import dmabuflab.guest.Job;
import dmabuflab.guest.Memslot;
import dmabuflab.guest.Race;
import dmabuflab.guest.Race.Step;
import dmabuflab.guest.Vcpu;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.Vm;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What virtual machines inside the guest do on command, and how they end. */
@Catalogue
@KernelsWordOnly("tests the agent, makes no claim about memory")
@Devices("ivshmem:16M")
class VmOperationsIT {
    private static final long GPA = 5L << 30;
    private static final long SIZE = 16 * Exporter.PAGE;
    private static final long WORD = 0xfedc_ba98_7654_3210L;
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private static long word(BarMapping memory, long offset) {
        return ByteBuffer.wrap(memory.read(offset, Long.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    @Test
    void vcpusShareMemoryAndCountAtomically(Testbed bed) {
        Vm vm = Vm.create(bed.agent(), "vm");
        BarMapping memory = BarMapping.ofMemory(bed.agent(), "memory", SIZE);
        vm.set(Memslot.at(1, GPA, SIZE - Exporter.PAGE).over(memory, Exporter.PAGE));
        Vcpu first = vm.vcpu("first");
        Vcpu second = vm.vcpu("second");

        first.write(GPA + 8, WORD);

        assertThat(word(memory, Exporter.PAGE + 8)).isEqualTo(WORD);
        assertThat(second.read(GPA + 8)).isEqualTo(WORD);
        assertThat(second.tryRead(GPA + 8, 1).value()).isEqualTo(0x10);
        assertThat(second.tryRead(GPA + 8, 2).value()).isEqualTo(0x3210);
        assertThat(second.tryRead(GPA + 8, 4).value()).isEqualTo(0x7654_3210L);
        for (int width : new int[] {1, 2, 4, 8}) {
            long at = GPA + 0x100L * width;
            assertThat(first.tryWrite(at, width, 5).complete()).isTrue();
            assertThat(second.tryAdd(at, width, 3).value()).isEqualTo(5);
            assertThat(first.tryExchange(at, width, 7, 1).value()).isEqualTo(8);
            assertThat(second.read(at)).as("nothing beside width " + width).isEqualTo(8);
            assertThat(first.tryExchange(at, width, 8, -1).value()).isEqualTo(8);
            assertThat(second.read(at)).isEqualTo(-1L >>> (64 - 8 * width));
        }
    }

    @Test
    void additionsOfTwoVcpusAddUp(Testbed bed) {
        Vm vm = Vm.create(bed.agent(), "vm");
        BarMapping memory = BarMapping.ofMemory(bed.agent(), "memory", SIZE);
        vm.set(Memslot.at(1, GPA, SIZE).over(memory, 0));

        List<Race.Lane> lanes =
                new Race(bed.agent())
                        .lane(new Step("vcpu.xadd", thousandTimes(vm.vcpu("first"))))
                        .lane(new Step("vcpu.xadd", thousandTimes(vm.vcpu("second"))))
                        .run(Duration.ofSeconds(2));

        long rounds = lanes.get(0).rounds() + lanes.get(1).rounds();
        assertThat(lanes).allMatch(lane -> lane.steps().get(0).exits().size() == 1);
        assertThat(word(memory, 0)).isEqualTo(1000 * rounds);
    }

    private static Map<String, ?> thousandTimes(Vcpu vcpu) {
        return Map.of("vcpu", vcpu.name(), "gpa", GPA, "value", 1, "count", 1000, "stride", 0);
    }

    @Test
    void accessesOfManyPagesGoUpToTheOneThatFails(Testbed bed) {
        Vm vm = Vm.create(bed.agent(), "vm");
        BarMapping memory = BarMapping.ofMemory(bed.agent(), "memory", SIZE);
        Memslot slot = Memslot.at(1, GPA, SIZE).over(memory, 0);
        vm.set(slot);
        Vcpu vcpu = vm.vcpu("vcpu");

        Exit all = vcpu.tryWrites(GPA, 7, 16, Exporter.PAGE);
        Exit more = vcpu.tryReads(GPA + 15 * Exporter.PAGE, 2, Exporter.PAGE);

        assertThat(all.complete()).isTrue();
        assertThat(all.done()).isEqualTo(16);
        assertThat(word(memory, 15 * Exporter.PAGE)).isEqualTo(7);
        assertThat(more.reason()).isEqualTo(Exit.MMIO);
        assertThat(more.gpa()).isEqualTo(GPA + SIZE);
        assertThat(more.size()).isEqualTo(Long.BYTES);
        assertThat(more.done()).isEqualTo(1);
        Exit end = vcpu.resume();
        assertThat(end.complete()).isTrue();
        assertThat(end.values()).containsExactly(7, -1);
        vm.delete(slot);
        assertThat(vcpu.tryRead(GPA, 8).reason()).isEqualTo(Exit.MMIO);
        vm.set(slot);
        assertThat(vcpu.read(GPA)).as("after an exit that was not resumed").isEqualTo(7);
    }

    @Test
    void aShutdownIsAnExitAndNotTheEnd(Testbed bed) {
        Vm vm = Vm.create(bed.agent(), "vm");
        BarMapping memory = BarMapping.ofMemory(bed.agent(), "memory", SIZE);
        long end = 512L << 30;
        vm.set(Memslot.at(1, end - SIZE, SIZE).over(memory, 0));
        Vcpu vcpu = vm.vcpu("vcpu");

        Exit exit = vcpu.tryWrites(end - 8, WORD, 2, 8);

        assertThat(exit.reason()).isEqualTo("shutdown");
        assertThat(exit.done()).isEqualTo(1);
        assertThat(word(memory, SIZE - 8)).isEqualTo(WORD);
        assertThat(vcpu.read(0)).as("the program's own text").isNotZero();
    }

    @Test
    void aHammerRunsUntilItIsStoppedOrInterrupted(Testbed bed) {
        Vm vm = Vm.create(bed.agent(), "vm");
        BarMapping memory = BarMapping.ofMemory(bed.agent(), "memory", SIZE);
        vm.set(Memslot.at(1, GPA, SIZE).over(memory, 0));
        Vcpu vcpu = vm.vcpu("vcpu");

        Job hammer = vcpu.hammer(GPA, 2, Exporter.PAGE);
        vcpu.awaitDone(1000, LIMIT);
        assertThat(bed.agent().attempt("vcpu.read", vcpu.arguments(GPA)).errno())
                .isEqualTo("EBUSY");
        vcpu.interrupt();
        Exit interrupted = new Exit(bed.complete(hammer));
        Job resumed = vcpu.resumeAsJob();
        vcpu.awaitDone(interrupted.done() + 1000, LIMIT);
        vcpu.stop();
        Exit stopped = new Exit(bed.complete(resumed));

        assertThat(interrupted.reason()).isEqualTo("intr");
        assertThat(interrupted.errno()).isEqualTo("EINTR");
        assertThat(stopped.complete()).isTrue();
        assertThat(stopped.value()).isEqualTo(stopped.done());
        assertThat(new long[] {word(memory, 0), word(memory, Exporter.PAGE)})
                .containsExactlyInAnyOrder(stopped.done(), stopped.done() - 1);
        assertThat(vcpu.running()).isFalse();
        bed.agent().call("vcpu.hammer", Map.of("vcpu", "vcpu", "gpa", GPA, "count", 100));
        assertThat(word(memory, 0)).as("after so many stores to one place").isEqualTo(100);
        assertThat(bed.agent().attempt("vcpu.interrupt", Map.of("vcpu", "vcpu")).errno())
                .isEqualTo("ESRCH");
    }

    @Test
    void aVcpuOutlivesTheHandleOfItsMachine(Testbed bed) {
        Vm vm = Vm.create(bed.agent(), "vm");
        Vcpu vcpu = vm.vcpu("vcpu");

        vm.close();

        assertThat(vcpu.read(0)).isNotZero();
        vcpu.close();
        Vm.create(bed.agent(), "vm").vcpu("vcpu").read(0);
    }

    @Test
    void aBarThroughItsMappingIsMemory(Testbed bed) {
        Exporter exporter = bed.exporter();
        BarMapping mapping =
                exporter.vfio().map(exporter.bar(), new Range(0x10000, SIZE), "mapping");
        Vm vm = Vm.create(bed.agent(), "vm");
        vm.set(Memslot.at(1, GPA, SIZE).over(mapping, 0));
        Vcpu vcpu = vm.vcpu("vcpu");

        vcpu.write(GPA + 0x1008, WORD);

        assertThat(exporter.memory().readLong(0x11008)).isEqualTo(WORD);
        exporter.vfio().memory(false);
        Exit cut = vcpu.tryRead(GPA + 0x1008, 8);
        assertThat(cut.reason()).isEqualTo(Exit.ERROR);
        assertThat(cut.errno()).isEqualTo("EFAULT");
        exporter.vfio().memory(true);
        assertThat(vcpu.resume().value()).isEqualTo(WORD);
    }

    @Test
    void aProtectedMachineRunsOnSharedMemory(Testbed bed) {
        Vm vm = Vm.create(bed.agent(), "vm", Vm.Type.SW_PROTECTED);
        vm.set(
                Memslot.at(1, GPA, SIZE)
                        .over(BarMapping.ofMemory(bed.agent(), "shared", SIZE), 0)
                        .of(vm.guestMemfd("private", SIZE), 0));
        Vcpu vcpu = vm.vcpu("vcpu");

        vcpu.write(GPA, WORD);
        vm.convert(GPA, Exporter.PAGE, true);

        assertThat(vcpu.read(GPA)).as("private memory is another").isZero();
        vm.convert(GPA, Exporter.PAGE, false);
        assertThat(vcpu.read(GPA)).isEqualTo(WORD);
    }

    @Test
    void aPrivateAccessToASlotWithoutPrivateMemoryIsAMemoryFault(Testbed bed) {
        Vm vm = Vm.create(bed.agent(), "vm", Vm.Type.SW_PROTECTED);
        BarMapping memory = BarMapping.ofMemory(bed.agent(), "memory", SIZE);
        vm.set(Memslot.at(1, GPA, SIZE).over(memory, 0));
        Vcpu vcpu = vm.vcpu("vcpu");
        vm.convert(GPA + Exporter.PAGE, Exporter.PAGE, true);

        Exit exit = vcpu.tryWrites(GPA, WORD, 3, Exporter.PAGE);

        assertThat(exit.reason()).isEqualTo(Exit.MEMORY_FAULT);
        assertThat(exit.errno()).isEqualTo("EFAULT");
        assertThat(exit.gpa()).isEqualTo(GPA + Exporter.PAGE);
        assertThat(exit.size()).isEqualTo(Exporter.PAGE);
        assertThat(exit.flags()).isEqualTo(Exit.PRIVATE);
        assertThat(exit.done()).isEqualTo(1);
        vm.convert(GPA + Exporter.PAGE, Exporter.PAGE, false);
        Exit resumed = vcpu.resume();
        assertThat(resumed.complete()).isTrue();
        assertThat(resumed.done()).isEqualTo(3);
        assertThat(word(memory, Exporter.PAGE)).isEqualTo(WORD);
    }

    @Test
    void theNthAllocationOfASlotFailsAndThenItCanBeSet(Testbed bed) {
        Vm vm = Vm.create(bed.agent(), "vm");
        Memslot slot =
                Memslot.at(1, GPA, SIZE).over(BarMapping.ofMemory(bed.agent(), "memory", SIZE), 0);
        Fault fault = new Fault(bed.agent());

        Set<String> errors = new TreeSet<>();

        int n = 1;
        Fault.Injection injection = fault.nth(n, "kvm.memslot", slot.arguments(vm));
        while (injection.injected()) {
            if (injection.answer().ok()) {
                vm.delete(slot);
            } else {
                errors.add(injection.answer().errno());
            }
            injection = fault.nth(++n, "kvm.memslot", slot.arguments(vm));
        }

        assertThat(errors).containsExactly("ENOMEM");
        assertThat(n).as("allocations of a slot").isBetween(2, 20);
        assertThat(injection.answer().ok()).isTrue();
        assertThat(vm.vcpu("vcpu").read(GPA)).isZero();
    }

    @Test
    void aRefusedSlotIsAnErrno(Testbed bed) {
        Vm vm = Vm.create(bed.agent(), "vm");
        BarMapping memory = BarMapping.ofMemory(bed.agent(), "memory", SIZE);
        Memslot slot = Memslot.at(1, GPA, SIZE).over(memory, 0);
        vm.set(slot);

        assertThat(vm.trySet(Memslot.at(2, GPA, SIZE).over(memory, 0)).errno())
                .as("two slots at one GPA")
                .isEqualTo("EEXIST");
        assertThat(vm.trySet(slot.resized(SIZE / 2)).errno()).isEqualTo("EINVAL");
        assertThat(vm.trySet(slot.flags(1 << 30)).errno()).isEqualTo("EINVAL");
        vm.set(slot.movedTo(GPA + SIZE));
        assertThat(vm.vcpu("vcpu").tryRead(GPA, 8).reason()).isEqualTo(Exit.MMIO);
        vm.delete(slot);
        assertThat(vm.tryDelete(slot).errno()).isEqualTo("EINVAL");
    }

    @Test
    void aRaceCountsExits(Testbed bed) {
        Vm vm = Vm.create(bed.agent(), "vm");
        Memslot slot =
                Memslot.at(1, GPA, SIZE).over(BarMapping.ofMemory(bed.agent(), "memory", SIZE), 0);
        Vcpu vcpu = vm.vcpu("vcpu");

        List<Race.Lane> lanes =
                new Race(bed.agent())
                        .lane(
                                new Step("kvm.memslot", slot.arguments(vm)),
                                new Step("kvm.memslot", slot.resized(0).arguments(vm)))
                        .lane(new Step("vcpu.read", vcpu.arguments(GPA)))
                        .lane(
                                new Step("kvm.vcpu", Map.of("vm", vm.name(), "name", "brief")),
                                new Step("handle.close", Map.of("name", "brief")))
                        .run(Duration.ofSeconds(3));

        assertThat(lanes.get(0).steps())
                .allMatch(step -> step.ok() == lanes.get(0).rounds() && step.failed() == 0);
        Race.Count reads = lanes.get(1).steps().get(0);
        assertThat(reads.ok()).isEqualTo(lanes.get(1).rounds());
        assertThat(reads.exits()).containsOnlyKeys(Exit.COMPLETE, Exit.MMIO);
        assertThat(lanes.get(2).steps().get(0).ok()).as("vCPUs beside the first").isEqualTo(14);
        assertThat(lanes.get(2).steps().get(0).errors().keySet()).containsExactly("ENOSPC");
    }

    @Test
    void aProcessIsKilledWithItsMachine(Testbed bed) {
        GuestProcess process = GuestProcess.start(bed.agent(), "other");
        BarMapping memory = BarMapping.ofMemory(process.agent(), "memory", SIZE);
        Vm vm = Vm.create(process.agent(), "vm");
        vm.set(Memslot.at(1, GPA, SIZE).over(memory, 0));
        Vcpu vcpu = vm.vcpu("vcpu");
        vcpu.hammer(GPA, 1, 0);
        vcpu.awaitDone(1000, LIMIT);
        assertThat(exitsOfAll(bed)).isNotEqualTo("0");

        process.kill();

        assertThat(exitsOfAll(bed)).as("of machines that exist").isEqualTo("0");
    }

    /** What KVM has counted for all machines that there are. */
    private static String exitsOfAll(Testbed bed) {
        return bed.agent()
                .call("file.read", Map.of("path", "/sys/kernel/debug/kvm/exits"))
                .text("text")
                .strip();
    }
}
