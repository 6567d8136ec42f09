// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

/**
 * Something that KVM did in the guest, or the end of a system call, by the kernel's own trace.
 *
 * <p>Virtual machines and virtual CPUs are named by the address of KVM's structure, which another
 * one may get after they are gone.
 */
public sealed interface KvmEvent {
    /** Id of the thread that did it. */
    int thread();

    /** A virtual machine comes into being. */
    record VmCreated(int thread, long kvm) implements KvmEvent {}

    /** Somebody asks a virtual machine, or with {@code kvm} 0 none of them, for a capability. */
    record CapabilityAsked(int thread, long kvm, long capability) implements KvmEvent {}

    /** A virtual CPU comes into being. */
    record VcpuCreated(int thread, long kvm, long vcpu) implements KvmEvent {}

    /** A virtual CPU is about to be freed. */
    record VcpuFreed(int thread, long vcpu) implements KvmEvent {}

    /**
     * KVM is about to write the nested CR3 of a virtual CPU.
     *
     * @param levels of the tables, 4 or 5
     */
    record RootLoaded(int thread, long vcpu, long root, int levels) implements KvmEvent {}

    /** Somebody wants nothing of these guest physical addresses mapped any more. */
    record Unmap(int thread, long kvm, long gpa, long length) implements KvmEvent {}

    /** All virtual CPUs have been asked to flush their TLBs. */
    record FlushRequested(int thread, long kvm) implements KvmEvent {}

    /**
     * All virtual CPUs have left the guest, and drop their tables before they enter it again: what
     * these tables still map nobody reaches any more. So begins the deletion of a slot.
     */
    record RootsDropped(int thread, long kvm) implements KvmEvent {}

    /**
     * A system call returns to user space. What closing a file leads to comes right after it, and
     * hence before the next one of the same thread.
     */
    record Returned(int thread) implements KvmEvent {}

    /**
     * An entry of a nested page table changed. The event does not say of which virtual machine.
     *
     * @param asId address space: 1 in system management mode, else 0
     * @param gpa first guest physical address that the entry is for
     * @param level 1 for 4 KiB, 2 for 2 MiB, 3 for 1 GiB and so on
     */
    record SpteChanged(int thread, int asId, long gpa, int level, long before, long after)
            implements KvmEvent {
        /** Number of bytes the entry is for. */
        public long size() {
            return 1L << (12 + (level - 1) * 9);
        }

        /** Whether the entry is for any byte of this range. */
        public boolean overlaps(long start, long length) {
            return start < gpa + size() && gpa < start + length;
        }

        /** Whether a leaf was there before. */
        public boolean wasLeaf() {
            return isLeaf(before);
        }

        /** Whether a leaf is there now. */
        public boolean isLeaf() {
            return isLeaf(after);
        }

        private boolean isLeaf(long entry) {
            return (entry & NestedTables.KVM_PRESENT) != 0
                    && (level == 1 || (entry & NestedTables.LARGE_PAGE) != 0);
        }

        /** Whether what was mapped here no longer is, be it for good or for something else. */
        public boolean zapped() {
            return wasLeaf() && !isLeaf();
        }

        @Override
        public String toString() {
            return String.format("0x%x level %d: 0x%016x -> 0x%016x", gpa, level, before, after);
        }
    }
}
