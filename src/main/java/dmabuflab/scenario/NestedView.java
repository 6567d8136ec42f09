// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.GuestImage;
import dmabuflab.guest.Trace;
import dmabuflab.guest.Vm;
import dmabuflab.host.InfrastructureException;
import dmabuflab.witness.KvmEvent;
import dmabuflab.witness.KvmHistory;
import dmabuflab.witness.KvmTrace;
import dmabuflab.witness.MappedMemory;
import dmabuflab.witness.NestedLeaf;
import dmabuflab.witness.NestedTables;
import dmabuflab.witness.Vmcb;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A virtual machine inside the guest seen from outside: which memory its nested page tables let it
 * reach. They are found by the VMCB of each of its virtual CPUs, which is what the processor goes
 * by; the kernel's events only tell which virtual CPUs there are.
 *
 * <p>Each answer is of the moment it is asked for. A virtual CPU that has neither been run nor had
 * memory mapped ahead has no tables; one that does not run now still has those it ran with, until
 * it runs again.
 */
public final class NestedView implements AutoCloseable {
    /** Capabilities that no kernel has: asking for one shows in the trace who is asked. */
    private static final AtomicInteger NO_CAPABILITY = new AtomicInteger(0x6c61_6200);

    private final Vm vm;
    private final int question;
    private final Trace trace;
    private final MappedMemory memory;
    private final Testimony testimony;

    NestedView(Vm vm, Trace trace, Path memory, Testimony testimony) {
        this.vm = vm;
        this.question = NO_CAPABILITY.getAndIncrement();
        this.trace = trace;
        this.testimony = testimony;
        vm.extension(question);
        this.memory = MappedMemory.of(memory, GuestImage.MEMORY);
    }

    /**
     * The page that a guest physical address leads to; empty when an access would leave the virtual
     * machine.
     *
     * @throws AssertionError when its virtual CPUs do not agree on it
     * @throws dmabuflab.witness.MalformedTableException when a table is none of KVM's
     */
    public Optional<NestedLeaf> translate(long gpa) {
        List<NestedTables> tables = tables();
        List<NestedLeaf> leaves =
                tables.stream().flatMap(each -> each.translate(gpa).stream()).distinct().toList();
        if (leaves.isEmpty()) {
            tables.forEach(each -> hardware("0x%x -> nothing: %s".formatted(gpa, each.way(gpa))));
        }
        leaves.forEach(leaf -> hardware(leaf.toString()));
        if (leaves.size() > 1) {
            throw new AssertionError(
                    "0x%x is not the same for all CPUs of %s: %s"
                            .formatted(gpa, vm.name(), leaves));
        }
        return leaves.stream().findFirst();
    }

    /**
     * All pages that a range of guest physical addresses leads to for any of its virtual CPUs, in
     * order of address.
     *
     * @throws dmabuflab.witness.MalformedTableException when a table is none of KVM's
     */
    public List<NestedLeaf> leaves(long gpa, long length) {
        List<NestedTables> tables = tables();
        List<NestedLeaf> leaves =
                tables.stream()
                        .flatMap(each -> each.leaves(gpa, length).stream())
                        .distinct()
                        .sorted(Comparator.comparingLong(NestedLeaf::gpa))
                        .toList();
        hardware(
                "0x%x+0x%x by %d tables: %d leaves%s"
                        .formatted(
                                gpa,
                                length,
                                tables.size(),
                                leaves.size(),
                                leaves.isEmpty() ? "" : ", the first " + leaves.get(0)));
        return leaves;
    }

    /**
     * How nested page table entries for a range changed, by the kernel's word. Those of other
     * virtual machines at the same addresses are among them.
     */
    public List<KvmEvent.SpteChanged> changes(long gpa, long length) {
        List<KvmEvent.SpteChanged> changes = history().changes(gpa, length);
        testimony.record(
                Witness.KERNEL_EVENTS,
                "%d changes of entries for 0x%x+0x%x%s"
                        .formatted(
                                changes.size(),
                                gpa,
                                length,
                                changes.isEmpty()
                                        ? ""
                                        : ", the last " + changes.get(changes.size() - 1)));
        return changes;
    }

    /**
     * Whether each time that KVM was told to unmap what it had mapped in this range, by a revoke or
     * by an MMU notifier, it asked the virtual CPUs to flush their TLBs after the last leaf was
     * gone and before the system call returned in which that happened; empty when none was
     * unmapped. By the kernel's word.
     */
    public Optional<Boolean> flushedBeforeReturn(long gpa, long length) {
        Optional<Boolean> flushed = history().flushedBeforeReturn(gpa, length);
        testimony.record(
                Witness.KERNEL_EVENTS,
                "0x%x+0x%x of %s: unmapped %s"
                        .formatted(
                                gpa,
                                length,
                                vm.name(),
                                flushed.map(each -> each ? "and flushed" : "but not flushed")
                                        .orElse("never")));
        return flushed;
    }

    /** How often its virtual CPUs were told to drop their tables, by the kernel's word. */
    public long rootsDropped() {
        long dropped = history().rootsDropped();
        testimony.record(
                Witness.KERNEL_EVENTS,
                "tables of %s dropped %d times".formatted(vm.name(), dropped));
        return dropped;
    }

    /** The tables in force, each once. */
    private List<NestedTables> tables() {
        Map<Long, KvmEvent.RootLoaded> before = null;
        while (true) {
            Map<Long, KvmEvent.RootLoaded> said = history().roots();
            List<NestedTables> tables = new ArrayList<>();
            List<String> contradictions = new ArrayList<>();
            said.forEach(
                    (vcpu, root) -> {
                        Vmcb vmcb = Vmcb.ofVcpu(memory, vcpu);
                        if (vmcb.nestedCr3() != root.root()) {
                            contradictions.add("%s, but %s".formatted(root, vmcb));
                        } else if (tables.stream()
                                .noneMatch(each -> each.root() == vmcb.nestedCr3())) {
                            tables.add(new NestedTables(memory, vmcb.nestedCr3(), root.levels()));
                        }
                    });
            if (contradictions.isEmpty()) {
                return tables;
            }
            // The kernel may have given a CPU another root while we looked.
            if (said.equals(before)) {
                throw new AssertionError(
                        "what the kernel says of the roots of %s is not what its VMCBs hold: %s"
                                .formatted(vm.name(), contradictions));
            }
            before = said;
        }
    }

    private KvmHistory history() {
        return KvmHistory.ofAsked(KvmTrace.parse(trace.read()), question)
                .orElseThrow(
                        () ->
                                new InfrastructureException(
                                        "the kernel's trace does not know " + vm.name(),
                                        "nobody was asked for capability " + question,
                                        "make it with Testbed.vm(), which begins to record"));
    }

    private void hardware(String statement) {
        testimony.record(
                Witness.HARDWARE, "nested tables of %s: %s".formatted(vm.name(), statement));
    }

    @Override
    public void close() {
        memory.close();
    }
}
