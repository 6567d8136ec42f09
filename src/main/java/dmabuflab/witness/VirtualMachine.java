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

    /** Nested tables have as many as the kernel's own, see {@link KernelMemory}. */
    private static final int LEVELS = 4;

    private static final long ALL = 1L << 48;

    /**
     * All of them that have virtual CPUs, by address.
     *
     * @param vmList address of {@code vm_list}
     * @throws MalformedTableException when the kernel changed its list or a VMCB meanwhile
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
        List<Vmcb> vmcbs = new ArrayList<>();
        long address = 0;
        for (long pointer : pointers(kernel, link)) {
            Optional<Vmcb> vmcb = Vmcb.find(kernel.memory(), pointer);
            if (vmcb.isPresent()) {
                address = kernel.readLong(pointer);
                vmcbs.add(vmcb.get());
            }
        }
        return vmcbs.isEmpty() ? Optional.empty() : Optional.of(new VirtualMachine(address, vmcbs));
    }

    /** What may point to its virtual CPUs. */
    private static Set<Long> pointers(KernelMemory kernel, long link) {
        Set<Long> found = new LinkedHashSet<>();
        for (long at = link - ARRAY_TO_LINK; at < link; at += Long.BYTES) {
            long word = kernel.readLong(at);
            if (isVcpu(kernel, word, link)) {
                found.add(word); // the only one is in the array itself
            } else if ((word & (Long.BYTES - 1)) == NODE_MARK && isInMemory(kernel, word)) {
                long node = word - NODE_MARK;
                for (long slot = node; slot < node + NODE_SIZE; slot += Long.BYTES) {
                    long pointer = kernel.readLong(slot);
                    if (isVcpu(kernel, pointer, link)) {
                        found.add(pointer);
                    }
                }
            }
        }
        return found;
    }

    /** Whether it begins, as a virtual CPU does, with the address of the machine of that link. */
    private static boolean isVcpu(KernelMemory kernel, long word, long link) {
        if ((word & (Long.BYTES - 1)) != 0 || !isInMemory(kernel, word)) {
            return false;
        }
        long distance = link - kernel.readLong(word);
        return distance > 0 && distance < LARGEST;
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
