// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.BarMapping;
import dmabuflab.guest.Exit;
import dmabuflab.guest.Job;
import dmabuflab.guest.Memslot;
import dmabuflab.guest.Vcpu;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.Vm;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.EachPassingTrigger;
import dmabuflab.scenario.EachTrigger;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.NestedView;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.scenario.Trigger;
import dmabuflab.witness.BarFile;
import dmabuflab.witness.NestedLeaf;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;

/**
 * KVM without a dma-buf, to compare with: the slot is a mapping of the BAR, and what ends that ends
 * the vCPUs' access by mmu notifiers.
 */
@Catalogue
class KvmClassic {
    private static final Range SOME = new Range(1 << 16, 64 * Exporter.PAGE);
    private static final long GPA = 5L << 30;

    /** An offset into the slot, and what is written there. */
    private static final long PLACE = 3 * Exporter.PAGE + 8;

    private static final long WORD = 0x1122_3344_5566_7788L;
    private static final long MANY = 1000;

    @EachPassingTrigger
    @DisplayName("vCPUs reach a slot over a mapping exactly while the mapping gets no SIGBUS")
    @Proves("CP1")
    void vcpusEndWithMapping(Testbed bed, Trigger trigger) {
        Exporter exporter = bed.exporter();
        BarMapping mapping = exporter.vfio().map(exporter.bar(), SOME, "mapping");
        Vm vm = machine(bed, mapping);
        NestedView nested = bed.nested(vm);
        Vcpu first = vm.vcpu("first");
        Vcpu second = vm.vcpu("second");
        exporter.memory().fill();
        assertWriteLands(exporter, first, WORD);
        assertThat(second.read(GPA + PLACE)).isEqualTo(WORD);
        assertMapped(nested, exporter);

        trigger.pull(bed, exporter);

        assertFlushed(nested, trigger);
        if (trigger.effect() == Trigger.Effect.LASTING) {
            assertThat(nested.leaves(GPA, SOME.length())).isEmpty();
            BarFile.Snapshot before = exporter.memory().snapshot();
            assertThat(mapping.tryRead(PLACE, Long.BYTES).errno()).isEqualTo("SIGBUS");
            assertCutOff(first.tryRead(GPA + PLACE, Long.BYTES));
            assertCutOff(first.tryWrite(GPA + PLACE, Long.BYTES, ~WORD));
            assertCutOff(second.tryAdd(GPA + PLACE, Long.BYTES, 1));
            assertThat(exporter.memory().changedRanges(before)).isEmpty();
            assertThat(nested.leaves(GPA, SOME.length())).isEmpty();
            trigger.undo(bed, exporter);
            assertThat(second.resume().value()).as("what was there to add to").isEqualTo(WORD);
        }
        assertWriteLands(exporter, first, 2 * WORD);
        assertMapped(nested, exporter);
        assertThat(mapping.tryRead(PLACE, Long.BYTES).ok()).isTrue();
    }

    @EachTrigger({
        Trigger.COMMAND_MEMORY,
        Trigger.COMMAND_MEMORY_OF_NVME,
        Trigger.DEVICE_RESET,
        Trigger.FLR,
        Trigger.HOT_RESET,
        Trigger.D3HOT,
        Trigger.LOW_POWER,
        Trigger.COMMAND_WRITE_FAILS
    })
    @DisplayName("a vCPU that never leaves the guest writes nothing after the trigger has returned")
    @Proves("CP1")
    void hammeringEnds(Testbed bed, Trigger trigger) {
        Exporter exporter = bed.exporter();
        Vm vm = machine(bed, exporter.vfio().map(exporter.bar(), SOME, "mapping"));
        NestedView nested = bed.nested(vm);
        Vcpu vcpu = vm.vcpu("vcpu");
        Job hammer = vcpu.hammer(GPA + PLACE, 1, 0);
        vcpu.awaitDone(MANY, bed.limit());

        trigger.pull(bed, exporter);

        List<NestedLeaf> left = nested.leaves(GPA, SOME.length());
        assertFlushed(nested, trigger);
        long last = exporter.memory().readLong(SOME.offset() + PLACE);
        if (trigger.effect() == Trigger.Effect.LASTING) {
            assertThat(left).as("mapped after the revoke").isEmpty();
            Exit exit = new Exit(bed.complete(hammer));
            assertThat(exit.errno()).isEqualTo("EFAULT");
            assertThat(exit.value()).as("the last write that went through").isEqualTo(last);
            assertThat(exporter.memory().readLong(SOME.offset() + PLACE)).isEqualTo(last);
            trigger.undo(bed, exporter);
            hammer = vcpu.resumeAsJob();
        }
        vcpu.awaitDone(last + MANY, bed.limit());
        vcpu.stop();
        Exit end = new Exit(bed.complete(hammer));
        assertThat(end.complete()).isTrue();
        assertThat(exporter.memory().readLong(SOME.offset() + PLACE)).isEqualTo(end.value());
    }

    private static Vm machine(Testbed bed, BarMapping mapping) {
        Vm vm = bed.vm();
        vm.set(Memslot.at(1, GPA, SOME.length()).over(mapping, 0));
        return vm;
    }

    private static void assertWriteLands(Exporter exporter, Vcpu vcpu, long word) {
        BarFile memory = exporter.memory();
        BarFile.Snapshot before = memory.snapshot();
        vcpu.write(GPA + PLACE, word);
        assertThat(memory.changedRanges(before))
                .as("what a write to the slot changes")
                .containsExactly(new BarFile.Range(SOME.offset() + PLACE, Long.BYTES));
        assertThat(memory.readLong(SOME.offset() + PLACE)).isEqualTo(word);
    }

    /** One page is mapped, the one that was accessed, to exactly the BAR's page. */
    private static void assertMapped(NestedView nested, Exporter exporter) {
        assertThat(nested.leaves(GPA, SOME.length()))
                .singleElement()
                .matches(NestedLeaf::write)
                .extracting(leaf -> leaf.pfn(GPA + PLACE))
                .isEqualTo(exporter.pfn(SOME.offset() + PLACE));
    }

    /** No TLB holds what was unmapped, be it for a moment only, when a system call returns. */
    private static void assertFlushed(NestedView nested, Trigger trigger) {
        Optional<Boolean> flushed = nested.flushedBeforeReturn(GPA, SOME.length());
        if (trigger.effect() == Trigger.Effect.NONE) {
            assertThat(flushed).as("if anything was unmapped").isNotEqualTo(Optional.of(false));
        } else {
            assertThat(flushed).as("unmapped, and flushed before the return").contains(true);
        }
    }

    private static void assertCutOff(Exit exit) {
        assertThat(exit.reason()).isEqualTo(Exit.ERROR);
        assertThat(exit.errno()).isEqualTo("EFAULT");
        assertThat(exit.done()).isZero();
    }
}
