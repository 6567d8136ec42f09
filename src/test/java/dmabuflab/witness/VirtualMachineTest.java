// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** In a memory of 2 MiB, which a kernel has mapped by one large page and at some other places. */
class VirtualMachineTest {
    private static final long IMAGE = 0xffff_ffff_8000_0000L;
    private static final long DIRECT_MAP = 0xffff_8880_0000_0000L;
    private static final long VMALLOC = 0xffff_c900_0000_0000L;
    private static final long PAGE = 4096;

    /** Offsets in structures, as good as any. */
    private static final long ARRAY = 0x8a8;

    private static final long LINK = 0x8f8;
    private static final long VMCB_PAIR = 0x1680;

    private static final long GPA = 5L << 30;
    private static final long BAR = 0x9_1020_0000L;

    private final TestMemory memory = new TestMemory(2 << 20);
    private final long topTable = memory.allocate();
    private final KernelMemory kernel = new KernelMemory(memory, IMAGE + topTable);
    private final long vmList = IMAGE + memory.allocate();
    private long lastLink = vmList;

    VirtualMachineTest() {
        map(DIRECT_MAP, 21, 0);
        map(IMAGE, 21, 0);
        memory.put(vmList - IMAGE, vmList);
    }

    private void map(long address, int shift, long physical) {
        long table = topTable;
        for (int at = 39; at > shift; at -= 9) {
            long slot = table + ((address >>> at) & 511) * 8;
            if (memory.readLong(slot) == 0) {
                memory.put(slot, memory.allocate() | 0x63);
            }
            table = memory.readLong(slot) & -PAGE;
        }
        memory.put(table + ((address >>> shift) & 511) * 8, physical | (shift > 12 ? 0xe3 : 0x63));
    }

    private long pages(int n) {
        long first = memory.allocate();
        for (int i = 1; i < n; i++) {
            memory.allocate();
        }
        return first;
    }

    /** A machine at an address of its own, last in the list. */
    private void machine(long address) {
        map(address, 12, memory.allocate());
        memory.put(kernel.physical(lastLink), address + LINK);
        lastLink = address + LINK;
        memory.put(kernel.physical(lastLink), vmList);
    }

    /** A virtual CPU of a machine, with nested tables at that address. */
    private long vcpu(long machine, long nestedCr3) {
        long vcpu = pages(3);
        long vmcb = memory.allocate();
        memory.put(vcpu, machine);
        memory.put(vcpu + VMCB_PAIR, DIRECT_MAP + vmcb);
        memory.put(vcpu + VMCB_PAIR + 8, vmcb);
        memory.put(vmcb + 0x10, 1);
        memory.put(vmcb + 0x40, PAGE);
        memory.put(vmcb + 0x48, PAGE);
        memory.put(vmcb + 0x90, 1);
        memory.put(vmcb + 0xb0, nestedCr3);
        memory.put(vmcb + 0x4d0, 1 << 12);
        return DIRECT_MAP + vcpu;
    }

    private void array(long machine, long head) {
        memory.put(kernel.physical(machine + ARRAY), head);
    }

    @Test
    void thereIsNone() {
        assertThat(VirtualMachine.all(kernel, vmList)).isEmpty();
        machine(VMALLOC);
        assertThat(VirtualMachine.all(kernel, vmList)).as("no virtual CPU yet").isEmpty();
    }

    @Test
    void oneHasASingleVcpuAnotherHasTwo() {
        machine(VMALLOC + 2 * PAGE);
        machine(VMALLOC);
        array(VMALLOC, vcpu(VMALLOC, 0x5000));
        long node = memory.allocate();
        memory.put(node + 40, vcpu(VMALLOC + 2 * PAGE, 0x6000));
        memory.put(node + 48, vcpu(VMALLOC + 2 * PAGE, 0));
        array(VMALLOC + 2 * PAGE, DIRECT_MAP + node + 2);

        assertThat(VirtualMachine.all(kernel, vmList))
                .satisfiesExactly(
                        first -> {
                            assertThat(first.address()).isEqualTo(VMALLOC);
                            assertThat(first.vmcbs())
                                    .extracting(Vmcb::nestedCr3)
                                    .containsExactly(0x5000L);
                        },
                        second -> {
                            assertThat(second.address()).isEqualTo(VMALLOC + 2 * PAGE);
                            assertThat(second.vmcbs())
                                    .extracting(Vmcb::nestedCr3)
                                    .containsExactly(0x6000L, 0L);
                        });
    }

    @Test
    void manyVcpusAreInNodesBelowANode() {
        machine(VMALLOC);
        long top = memory.allocate();
        long below = memory.allocate();
        memory.put(top + 40, DIRECT_MAP + below + 2);
        memory.put(below + 64, vcpu(VMALLOC, 0x5000));
        array(VMALLOC, DIRECT_MAP + top + 2);

        assertThat(VirtualMachine.all(kernel, vmList)).hasSize(1);

        memory.put(below + 72, DIRECT_MAP + top + 2);
        assertThat(VirtualMachine.all(kernel, vmList)).as("nodes in a circle").hasSize(1);
    }

    @Test
    void whatOnlyLooksLikeAVcpuIsNone() {
        machine(VMALLOC);
        long anothers = vcpu(VMALLOC + 64 * PAGE, 0x5000);
        array(VMALLOC, anothers);
        memory.put(kernel.physical(VMALLOC + ARRAY + 8), DIRECT_MAP + (4 << 20));

        assertThat(VirtualMachine.all(kernel, vmList)).isEmpty();
    }

    /** As gpc_list is, in a machine that the allocator has put before another's virtual CPU. */
    @Test
    void anEmptyListBeforeTheLinkIsNone() {
        long machine = DIRECT_MAP + memory.allocate();
        vcpu(VMALLOC, 0x5000);
        long list = machine + LINK - 0x20;
        memory.put(list - DIRECT_MAP, list);
        memory.put(vmList - IMAGE, machine + LINK);
        memory.put(machine + LINK - DIRECT_MAP, vmList);
        memory.put(machine + ARRAY - DIRECT_MAP, list);

        assertThat(VirtualMachine.all(kernel, vmList)).isEmpty();
    }

    @Test
    void aVcpuWithoutAVmcbIsAnError() {
        machine(VMALLOC);
        long intels = pages(3);
        memory.put(intels, VMALLOC);
        array(VMALLOC, DIRECT_MAP + intels);

        assertThatThrownBy(() -> VirtualMachine.all(kernel, vmList))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContaining("no VMCB");
    }

    @Test
    void whatItReachesIsJoined() {
        long root = memory.allocate();
        long[] tables = {root, memory.allocate(), memory.allocate(), memory.allocate()};
        for (long table : tables) {
            for (int i = 0; i < 512; i++) {
                memory.put(table + i * 8L, Long.MIN_VALUE);
            }
        }
        memory.put(root, tables[1] | 0x827);
        memory.put(tables[1] + 5 * 8, tables[2] | 0x827);
        memory.put(tables[2], tables[3] | 0x827);
        memory.put(tables[3], BAR | 0xe67);
        memory.put(tables[3] + 8, (BAR + PAGE) | 0xe67);
        memory.put(tables[3] + 16, BAR | 0xe67);
        machine(VMALLOC);
        array(VMALLOC, vcpu(VMALLOC, root));

        assertThat(VirtualMachine.all(kernel, vmList).get(0).reaches(memory))
                .containsExactly(
                        new Mapping(GPA, BAR, 2 * PAGE, PAGE, true, true),
                        new Mapping(GPA + 2 * PAGE, BAR, PAGE, PAGE, true, true));
    }

    @Test
    void oneThatHasNotRunReachesNothing() {
        machine(VMALLOC);
        array(VMALLOC, vcpu(VMALLOC, 0));

        assertThat(VirtualMachine.all(kernel, vmList).get(0).reaches(memory)).isEmpty();
    }

    @Test
    void aListThatChangesMeanwhileIsAnError() {
        machine(VMALLOC);
        memory.put(kernel.physical(lastLink), lastLink);
        assertThatThrownBy(() -> VirtualMachine.all(kernel, vmList))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContaining("does not end");

        memory.put(kernel.physical(lastLink), VMALLOC + 5 * PAGE);
        assertThatThrownBy(() -> VirtualMachine.all(kernel, vmList))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContaining("nothing at 0xffffc9000000");
    }
}
