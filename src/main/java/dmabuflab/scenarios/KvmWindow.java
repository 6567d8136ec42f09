// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Exit;
import dmabuflab.guest.Memslot;
import dmabuflab.guest.Vcpu;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.Vm;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.NestedView;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.BarFile;
import dmabuflab.witness.NestedLeaf;
import java.util.List;

/**
 * A dma-buf of an exporter as memory of a virtual machine, and what can be said of that: vCPUs
 * reach it, or are cut off. Each is seen in the nested page tables and in the memory.
 */
final class KvmWindow {
    static final long PAGE = Exporter.PAGE;
    static final long GPA = 5L << 30;

    /** An offset that vCPUs use while they may, and try again when they may not. */
    static final long USED = 3 * PAGE + 8;

    private static final long WORD = 0x1122_3344_5566_7788L;

    private final Testbed bed;
    private final Exporter exporter;
    private final Vm vm;
    private final Vcpu vcpu;
    private final DmaBuf buffer;
    private final List<Range> ranges;
    private final long start;
    private final Memslot slot;

    private KvmWindow(
            Testbed bed,
            Exporter exporter,
            Vm vm,
            Vcpu vcpu,
            DmaBuf buffer,
            List<Range> ranges,
            long start,
            Memslot slot) {
        this.bed = bed;
        this.exporter = exporter;
        this.vm = vm;
        this.vcpu = vcpu;
        this.buffer = buffer;
        this.ranges = ranges;
        this.start = start;
        this.slot = slot;
    }

    /** All of a new buffer of these ranges at {@link #GPA} of a new machine, not set yet. */
    static KvmWindow of(Testbed bed, Exporter exporter, Range... ranges) {
        requireSeries(bed);
        return in(bed, exporter, bed.vm(), ranges);
    }

    /** The same in a machine that is there already. */
    static KvmWindow in(Testbed bed, Exporter exporter, Vm vm, Range... ranges) {
        bed.nested(vm);
        DmaBuf buffer = exporter.export(ranges);
        long length = List.of(ranges).stream().mapToLong(Range::length).sum();
        return new KvmWindow(
                bed,
                exporter,
                vm,
                vm.vcpu(vm.name() + "-vcpu"),
                buffer,
                List.of(ranges),
                0,
                Memslot.at(1, GPA, length).of(buffer, 0));
    }

    static void requireSeries(Testbed bed) {
        bed.requireSeries("memslots over dma-bufs");
    }

    /** All of a new buffer that is private to this machine, and the slot says so. */
    static KvmWindow ofPrivate(Testbed bed, Exporter exporter, Vm vm, Range... ranges) {
        KvmWindow window = in(bed, exporter, vm, ranges);
        return window.with(window.slot.ofPrivate(window.buffer, 0));
    }

    /** The same buffer by another slot. */
    KvmWindow with(Memslot other) {
        return new KvmWindow(bed, exporter, vm, vcpu, buffer, ranges, start, other);
    }

    /** Part of the same buffer as another slot, elsewhere. */
    KvmWindow part(int number, long from, long bytes, long gpa) {
        return new KvmWindow(
                bed,
                exporter,
                vm,
                vcpu,
                buffer,
                ranges,
                start + from,
                Memslot.at(number, gpa, bytes).of(buffer, start + from));
    }

    /** The same slot of another machine. */
    KvmWindow in(Vm other) {
        bed.nested(other);
        Vcpu its = other.vcpu(other.name() + "-vcpu");
        return new KvmWindow(bed, exporter, other, its, buffer, ranges, start, slot);
    }

    KvmWindow set() {
        vm.set(slot);
        return this;
    }

    Answer trySet() {
        return vm.trySet(slot);
    }

    void delete() {
        vm.delete(slot);
    }

    /** Makes all of its GPAs private or shared. */
    void convert(boolean toPrivate) {
        vm.convert(slot.gpa(), slot.size(), toPrivate);
    }

    Memslot slot() {
        return slot;
    }

    Vm vm() {
        return vm;
    }

    Vcpu vcpu() {
        return vcpu;
    }

    DmaBuf buffer() {
        return buffer;
    }

    NestedView nested() {
        return bed.nested(vm);
    }

    /** A vCPU reads and writes the memory behind the slot, at either end too, and no other. */
    void assertWorks() {
        assertReaches(USED);
        assertReaches(0);
        assertReaches(slot.size() - Long.BYTES);
    }

    /** The same at one offset into the slot. */
    void assertReaches(long offset) {
        BarFile memory = exporter.memory();
        long at = barOffset(offset);
        long page = at & -PAGE;
        long first = Math.max(0, page - PAGE);
        memory.fill(first, Math.min(3 * PAGE, memory.size() - first));
        BarFile.Snapshot before = memory.snapshot();
        long content = memory.readLong(at);

        long read = vcpu.read(slot.gpa() + offset);
        vcpu.write(slot.gpa() + offset, WORD + offset);

        assertThat(memory.changedRanges(before))
                .as("what a write at offset 0x%x of the slot has changed", offset)
                .containsExactly(new BarFile.Range(at, Long.BYTES));
        assertThat(memory.readLong(at)).isEqualTo(WORD + offset);
        assertThat(read).as("what was read at offset 0x%x of the slot", offset).isEqualTo(content);
        assertExact();
    }

    /** Whatever is mapped, is mapped to the frame that the hardware decodes, page by page. */
    void assertExact() {
        List<NestedLeaf> leaves = nested().leaves(slot.gpa(), slot.size());
        assertThat(leaves).as("what the machine's tables map of the slot").isNotEmpty();
        long first = exporter.pfn(0);
        for (NestedLeaf leaf : leaves) {
            assertThat(leaf.write()).as("%s is writable", leaf).isTrue();
            assertThat(leaf.gpa()).as("%s is in the slot", leaf).isGreaterThanOrEqualTo(slot.gpa());
            for (long at = leaf.gpa(); at < leaf.gpa() + leaf.size(); at += PAGE) {
                assertThat(leaf.pfn(at))
                        .as("frame behind GPA 0x%x, by %s", at, leaf)
                        .isEqualTo(first + barOffset(at - slot.gpa()) / PAGE);
            }
        }
    }

    /** No table of the machine maps any page of the slot. */
    void assertUnmapped() {
        assertThat(nested().leaves(slot.gpa(), slot.size()))
                .as("what the machine's tables map of the slot")
                .isEmpty();
    }

    /** All that was mapped is gone and flushed, by the kernel's word too. */
    void assertZapped() {
        assertUnmapped();
        assertThat(nested().flushedBeforeReturn(slot.gpa(), slot.size()))
                .as("TLBs were flushed before the call returned")
                .contains(true);
    }

    /**
     * Each access is an exit that names its page, and changes no byte. The last one, a read at
     * {@link #USED}, can be resumed.
     */
    void assertCutOff() {
        assertCutOff(0);
    }

    /** The same where the exits have these flags. */
    void assertCutOff(long flags) {
        assertUnmapped();
        BarFile.Snapshot before = exporter.memory().snapshot();

        assertFault(vcpu.tryWrite(slot.gpa() + USED, Long.BYTES, ~WORD), flags);
        assertFault(vcpu.tryAdd(slot.gpa() + USED, Long.BYTES, 1), flags);
        assertFault(vcpu.tryRead(slot.gpa() + USED, Long.BYTES), flags);

        assertThat(exporter.memory().changedRanges(before)).as("memory that changed").isEmpty();
        assertUnmapped();
    }

    /** An exit that says which page could not be had, of a command that has done nothing. */
    private void assertFault(Exit exit, long flags) {
        assertThat(exit.reason()).as("%s", exit).isEqualTo(Exit.MEMORY_FAULT);
        assertThat(exit.errno()).isEqualTo("EFAULT");
        assertThat(exit.gpa()).isEqualTo((slot.gpa() + USED) & -PAGE);
        assertThat(exit.size()).isEqualTo(PAGE);
        assertThat(exit.flags()).isEqualTo(flags);
        assertThat(exit.done()).isZero();
    }

    /** Where in the BAR a byte of the slot lies. */
    long barOffset(long offset) {
        long left = start + offset;
        for (Range range : ranges) {
            if (left < range.length()) {
                return range.offset() + left;
            }
            left -= range.length();
        }
        throw new IllegalArgumentException("beyond the slot: " + offset);
    }
}
