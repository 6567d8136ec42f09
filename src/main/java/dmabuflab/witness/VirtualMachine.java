// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A virtual machine that KVM has in a guest, found in that guest's memory without asking anybody.
 * That it is there is the kernel's word; what its VMCBs hold is what the processor goes by.
 *
 * @param address of KVM's structure
 * @param vmcbs of its virtual CPUs
 */
public record VirtualMachine(long address, List<Vmcb> vmcbs) {
    /** More than a guest of the lab's size has. */
    private static final int MOST = 256;

    /**
     * In {@code struct kvm} the array of virtual CPUs comes before the link of {@code vm_list}, by
     * no more than this with all debugging options.
     */
    private static final int ARRAY_TO_LINK = 1024;

    /** {@code struct kvm} has no link that is farther from its begin. */
    private static final long LARGEST = 64 << 10;

    /** An xarray marks a pointer to a node by this, and a node of it has this many bytes. */
    private static final int NODE_MARK = 2;

    private static final int NODE_SIZE = 576;

    /** Nodes below each other, each for 64 times as many virtual CPUs. */
    private static final int DEEPEST = 2;

    private static final long PAGE_MASK = 0xfff;

    /** Nested tables have as many as the kernel's own, see {@link KernelMemory}. */
    private static final int LEVELS = 4;

    private static final long ALL = 1L << 48;

    /**
     * All of them that have virtual CPUs, by address.
     *
     * @param vmList address of {@code vm_list}
     * @throws MalformedTableException when the kernel changed its list meanwhile, or a virtual CPU
     *     has no VMCB, as is so on Intel's processors
     */
    public static List<VirtualMachine> all(KernelMemory kernel, long vmList) {
        List<VirtualMachine> found = new ArrayList<>();
        int links = 0;
        for (long link = kernel.readLong(vmList); link != vmList; link = kernel.readLong(link)) {
            if (++links > MOST) {
                throw new MalformedTableException("vm_list does not end");
            }
            of(kernel, link).ifPresent(found::add);
        }
        found.sort(Comparator.comparingLong(VirtualMachine::address));
        return found;
    }

    /** The one with this link, if it has virtual CPUs, by the array before the link. */
    private static Optional<VirtualMachine> of(KernelMemory kernel, long link) {
        Set<Long> vcpus = new LinkedHashSet<>();
        for (long at = link - ARRAY_TO_LINK; at < link; at += Long.BYTES) {
            collect(kernel, kernel.readLong(at), link, vcpus, 0);
        }
        List<Vmcb> vmcbs = vcpus.stream().map(vcpu -> Vmcb.ofVcpu(kernel.memory(), vcpu)).toList();
        return vcpus.stream()
                .findFirst()
                .map(vcpu -> new VirtualMachine(kernel.readLong(vcpu), vmcbs));
    }

    /**
     * Adds the virtual CPUs that an entry of an array leads to: a single one is the array's head,
     * several are in a node.
     */
    private static void collect(
            KernelMemory kernel, long entry, long link, Set<Long> vcpus, int depth) {
        if (!isInMemory(kernel, entry)) {
            return;
        }
        long mark = entry & (Long.BYTES - 1);
        if (mark == 0 && isVcpu(kernel, entry, link)) {
            vcpus.add(entry);
        } else if (mark == NODE_MARK && depth < DEEPEST) {
            long node = entry - NODE_MARK;
            for (long slot = node; slot < node + NODE_SIZE; slot += Long.BYTES) {
                collect(kernel, kernel.readLong(slot), link, vcpus, depth + 1);
            }
        }
    }

    /**
     * Whether it begins, as a virtual CPU does, with the address of the machine of that link, which
     * the allocator has aligned.
     */
    private static boolean isVcpu(KernelMemory kernel, long address, long link) {
        long machine = kernel.readLong(address);
        return (machine & PAGE_MASK) == 0 && machine < link && link - machine < LARGEST;
    }

    /** Whether it is an address of memory that the kernel's allocator gives out. */
    private static boolean isInMemory(KernelMemory kernel, long address) {
        long offset = address - Vmcb.DIRECT_MAP;
        return offset >= 0 && offset < kernel.memory().size() - NODE_SIZE;
    }

    /**
     * What its virtual CPUs reach, by the nested page tables that their VMCBs hold: those that each
     * ran with last. Empty where none has run.
     *
     * @throws MalformedTableException when a table is none of KVM's, as one that was dropped after
     *     the last run may be
     */
    public List<Mapping> reaches(PhysicalMemory memory) {
        List<Mapping> reached = new ArrayList<>();
        vmcbs.stream()
                .mapToLong(Vmcb::nestedCr3)
                .filter(root -> root != 0)
                .distinct()
                .mapToObj(root -> new NestedTables(memory, root, LEVELS))
                .flatMap(tables -> tables.leaves(0, ALL).stream())
                .map(VirtualMachine::mapping)
                .distinct()
                .sorted(Comparator.comparingLong(Mapping::iova))
                .forEach(mapping -> Mapping.append(reached, mapping));
        return reached;
    }

    private static Mapping mapping(NestedLeaf leaf) {
        return new Mapping(
                leaf.gpa(), leaf.physical(), leaf.size(), leaf.size(), leaf.read(), leaf.write());
    }
}
