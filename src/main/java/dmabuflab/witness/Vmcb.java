// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

/**
 * The page by which the processor runs a virtual CPU on AMD SVM: what VMRUN is given. It holds the
 * nested CR3, hence tells which nested page tables are in force.
 *
 * @param address its physical address
 * @param asid address space identifier; 0 until KVM has run the virtual CPU
 * @param nestedCr3 physical address of the topmost nested page table
 */
public record Vmcb(long address, int asid, long nestedCr3) {
    private static final int INTERCEPTS_SVM = 0x10;
    private static final int IOPM = 0x40;
    private static final int MSRPM = 0x48;
    private static final int ASID = 0x58;
    private static final int NESTED_CONTROL = 0x90;
    private static final int NESTED_CR3 = 0xb0;
    private static final int EFER = 0x400 + 0xd0;

    private static final long INTERCEPT_VMRUN = 1;
    private static final long NESTED_PAGING = 1;
    private static final long GUEST_MODE_EXECUTE_TRAP = 1L << 3;
    private static final long SVM_ENABLED = 1L << 12;
    private static final long PAGE_MASK = 0xfff;

    /** Linux maps all memory from here on, unless CONFIG_RANDOMIZE_MEMORY moves it. */
    static final long DIRECT_MAP = 0xffff_8880_0000_0000L;

    /** Enough of struct vcpu_svm: with all debugging options the pair is 6 KiB into it. */
    static final int VCPU_SIZE = 8 << 10;

    /**
     * Finds the VMCB of a virtual CPU. KVM keeps the VMCB's virtual and physical address side by
     * side in its own structure; where in it depends on the kernel's configuration, so the first
     * such pair is taken that leads to what is a VMCB by the processor's rules.
     *
     * @param memory the memory of the guest that runs the virtual machine
     * @param vcpu virtual address of KVM's structure for the virtual CPU
     * @throws MalformedTableException when there is none, or it has guest mode execute trap
     *     enabled, which KVM does not offer and which changes what page table entries mean
     */
    public static Vmcb ofVcpu(PhysicalMemory memory, long vcpu) {
        long start = vcpu - DIRECT_MAP;
        if (start < 0 || start >= memory.size()) {
            throw new MalformedTableException(
                    "the vCPU at 0x%x is not in the kernel's direct map".formatted(vcpu));
        }
        long end = Math.min(start + VCPU_SIZE, memory.size());
        for (long at = start; at + 16 <= end; at += 8) {
            long physical = memory.readLong(at + 8);
            if (memory.readLong(at) == DIRECT_MAP + physical && isVmcb(memory, physical)) {
                return read(memory, physical);
            }
        }
        throw new MalformedTableException(
                "no VMCB belongs to the vCPU at 0x%x, by the %d bytes from there"
                        .formatted(vcpu, end - start));
    }

    private static Vmcb read(PhysicalMemory memory, long page) {
        if ((memory.readLong(page + NESTED_CONTROL) & GUEST_MODE_EXECUTE_TRAP) != 0) {
            throw new MalformedTableException(
                    "the VMCB at 0x%x enables guest mode execute trap".formatted(page));
        }
        return new Vmcb(
                page, (int) memory.readLong(page + ASID), memory.readLong(page + NESTED_CR3));
    }

    /** Whether VMRUN would take this page, and use nested paging. */
    private static boolean isVmcb(PhysicalMemory memory, long page) {
        return isPage(memory, page)
                && (memory.readLong(page + INTERCEPTS_SVM) & INTERCEPT_VMRUN) != 0
                && (memory.readLong(page + NESTED_CONTROL) & NESTED_PAGING) != 0
                && isPage(memory, memory.readLong(page + IOPM))
                && isPage(memory, memory.readLong(page + MSRPM))
                && (memory.readLong(page + EFER) & SVM_ENABLED) != 0;
    }

    private static boolean isPage(PhysicalMemory memory, long address) {
        return (address & PAGE_MASK) == 0 && address > 0 && address < memory.size();
    }

    @Override
    public String toString() {
        return "VMCB 0x%x ASID %d nested CR3 0x%x".formatted(address, asid, nestedCr3);
    }
}
