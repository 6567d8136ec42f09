// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.guest.BarMapping;
import dmabuflab.guest.Exit;
import dmabuflab.guest.Job;
import dmabuflab.guest.Memslot;
import dmabuflab.guest.Vcpu;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.Vm;
import dmabuflab.host.InfrastructureException;
import dmabuflab.witness.KvmEvent;
import dmabuflab.witness.MemoryType;
import dmabuflab.witness.NestedLeaf;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the nested page tables of virtual machines inside the guest look like from outside. */
@Catalogue
@Devices("ivshmem:16M")
class NestedViewIT {
    private static final long PAGE = Exporter.PAGE;
    private static final long GPA = 5L << 30;
    private static final long OFFSET = 0x10000;
    private static final long SIZE = 16 * PAGE;
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private static Memslot slotOverBar(Exporter exporter, long offset, String name) {
        BarMapping mapping = exporter.vfio().map(exporter.bar(), new Range(offset, SIZE), name);
        return Memslot.at(1, GPA, SIZE).over(mapping, 0);
    }

    @Test
    void deviceMemoryIsMappedUntilItIsRevoked(Testbed bed) {
        Exporter exporter = bed.exporter();
        Vm vm = bed.vm();
        vm.set(slotOverBar(exporter, OFFSET, "mapping"));
        NestedView nested = bed.nested(vm);
        Vcpu vcpu = vm.vcpu("vcpu");

        assertThat(nested.leaves(GPA, SIZE)).as("before the first run").isEmpty();
        assertThat(vcpu.tryWrites(GPA, 7, 3, PAGE).complete()).isTrue();

        List<NestedLeaf> leaves = nested.leaves(GPA, SIZE);
        assertThat(leaves)
                .extracting(NestedLeaf::pfn)
                .containsExactly(
                        exporter.pfn(OFFSET),
                        exporter.pfn(OFFSET + PAGE),
                        exporter.pfn(OFFSET + 2 * PAGE));
        assertThat(leaves)
                .allMatch(leaf -> leaf.read() && leaf.write() && leaf.execute())
                .allMatch(leaf -> leaf.order() == 0)
                .allMatch(leaf -> leaf.memoryType() == MemoryType.WB);
        assertThat(nested.changes(GPA, SIZE))
                .extracting(KvmEvent.SpteChanged::after)
                .containsAll(leaves.stream().map(NestedLeaf::entry).toList());
        assertThat(nested.flushedBeforeReturn(GPA, SIZE)).as("nothing unmapped yet").isEmpty();

        exporter.vfio().memory(false);

        assertThat(nested.leaves(GPA, SIZE)).isEmpty();
        assertThat(nested.translate(GPA)).isEmpty();
        assertThat(nested.changes(GPA, SIZE).stream().filter(KvmEvent.SpteChanged::zapped))
                .hasSize(3);
        assertThat(nested.flushedBeforeReturn(GPA, SIZE)).contains(true);

        exporter.vfio().memory(true);
        vcpu.write(GPA + PAGE, 8);
        assertThat(nested.leaves(GPA, SIZE))
                .extracting(NestedLeaf::pfn)
                .containsExactly(exporter.pfn(OFFSET + PAGE));
    }

    @Test
    void memoryIsMappedLikeDeviceMemory(Testbed bed) {
        Vm vm = bed.vm();
        BarMapping memory = BarMapping.ofMemory(bed.agent(), "memory", SIZE);
        vm.set(Memslot.at(1, GPA, SIZE).over(memory, 0));
        NestedView nested = bed.nested(vm);
        Vcpu vcpu = vm.vcpu("vcpu");

        vcpu.write(GPA, 7);
        assertThat(vcpu.tryRead(GPA + SIZE, 8).reason()).isEqualTo(Exit.MMIO);

        assertThat(nested.translate(GPA))
                .hasValueSatisfying(
                        leaf -> {
                            assertThat(leaf.write()).isTrue();
                            assertThat(leaf.memoryType()).isEqualTo(MemoryType.WB);
                        });
        assertThat(nested.translate(GPA + SIZE)).as("emulated MMIO").isEmpty();
        memory.close();
        assertThat(nested.leaves(GPA, SIZE)).isEmpty();
        assertThat(nested.flushedBeforeReturn(GPA, SIZE)).contains(true);
    }

    @Test
    void machinesAreToldApart(Testbed bed) {
        Exporter exporter = bed.exporter();
        Vm first = bed.vm();
        Vm second = bed.vm();
        first.set(slotOverBar(exporter, 0, "low"));
        second.set(slotOverBar(exporter, OFFSET, "high"));
        NestedView ofSecond = bed.nested(second);
        NestedView ofFirst = bed.nested(first);
        Vcpu vcpu = first.vcpu("one");
        Vcpu sibling = first.vcpu("sibling");
        Vcpu other = second.vcpu("other");
        for (Vcpu each : List.of(vcpu, sibling, other)) {
            each.write(GPA, 7);
        }

        assertThat(ofFirst.translate(GPA).orElseThrow().pfn()).isEqualTo(exporter.pfn(0));
        assertThat(ofSecond.translate(GPA).orElseThrow().pfn()).isEqualTo(exporter.pfn(OFFSET));

        vcpu.close();
        sibling.close();
        first.close();
        Vm third = bed.vm();
        NestedView ofThird = bed.nested(third);
        assertThat(third.vcpu("third").tryRead(GPA, 8).reason()).isEqualTo(Exit.MMIO);

        assertThat(ofFirst.leaves(0, 1L << 40)).as("it is gone").isEmpty();
        assertThat(ofThird.leaves(GPA, SIZE)).isEmpty();
        assertThat(ofThird.leaves(0, 1L << 40)).as("its program").isNotEmpty();
        assertThat(ofSecond.leaves(GPA, SIZE)).hasSize(1);
    }

    @Test
    void privateMemoryIsAnother(Testbed bed) {
        Vm vm = bed.vm(bed.agent(), Vm.Type.SW_PROTECTED);
        vm.set(
                Memslot.at(1, GPA, SIZE)
                        .over(BarMapping.ofMemory(bed.agent(), "shared", SIZE), 0)
                        .of(vm.guestMemfd("private", SIZE), 0));
        NestedView nested = bed.nested(vm);
        Vcpu vcpu = vm.vcpu("vcpu");

        vcpu.write(GPA, 7);
        NestedLeaf shared = nested.translate(GPA).orElseThrow();
        vm.convert(GPA, PAGE, true);
        assertThat(nested.leaves(GPA, SIZE)).isEmpty();
        vcpu.write(GPA, 8);

        assertThat(nested.translate(GPA).orElseThrow().pfn()).isNotEqualTo(shared.pfn());
        assertThat(nested.flushedBeforeReturn(GPA, SIZE)).contains(true);
    }

    @Test
    void aRevokeIsSeenUnderAHammer(Testbed bed) {
        Exporter exporter = bed.exporter();
        Vm vm = bed.vm();
        vm.set(slotOverBar(exporter, 0, "mapping"));
        NestedView nested = bed.nested(vm);
        Vcpu vcpu = vm.vcpu("vcpu");

        Job hammer = vcpu.hammer(GPA, 4, PAGE);
        vcpu.awaitDone(1000, LIMIT);
        assertThat(nested.leaves(GPA, SIZE)).hasSize(4);
        exporter.vfio().memory(false);

        assertThat(nested.leaves(GPA, SIZE)).isEmpty();
        assertThat(nested.flushedBeforeReturn(GPA, SIZE)).contains(true);
        assertThat(new Exit(bed.complete(hammer)).errno()).isEqualTo("EFAULT");
    }

    @Test
    @KernelsWordOnly("makes no claim about memory")
    void aMachineMadeUnseenIsRefused(Testbed bed) {
        Vm vm = Vm.create(bed.agent(), "unseen");

        assertThatThrownBy(() -> bed.nested(vm).leaves(GPA, 1))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("unseen");
    }
}
