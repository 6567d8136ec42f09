// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VmcbTest {
    private static final long DIRECT_MAP = 0xffff_8880_0000_0000L;
    private static final long PAIR = 0x1680;

    private final TestMemory memory = new TestMemory(1 << 20);
    private final long vcpu = memory.allocate();
    private final long vmcb = pages(4);

    VmcbTest() {
        pair(PAIR, vmcb);
        memory.put(vmcb + 0x10, 0x1f_ffffL);
        memory.put(vmcb + 0x40, 0x3000);
        memory.put(vmcb + 0x48, 0x4000);
        memory.put(vmcb + 0x58, 7);
        memory.put(vmcb + 0x90, 1);
        memory.put(vmcb + 0xb0, 0x5000);
        memory.put(vmcb + 0x4d0, 0x1500);
    }

    /** Room for the structure of the vCPU, and the page after it. */
    private long pages(int n) {
        for (int i = 1; i < n; i++) {
            memory.allocate();
        }
        return memory.allocate();
    }

    private void pair(long offset, long physical) {
        memory.put(vcpu + offset, DIRECT_MAP + physical);
        memory.put(vcpu + offset + 8, physical);
    }

    @Test
    void isFoundByTheVcpu() {
        assertThat(Vmcb.ofVcpu(memory, DIRECT_MAP + vcpu)).isEqualTo(new Vmcb(vmcb, 7, 0x5000));
    }

    @Test
    void anotherPairOfAddressesIsNone() {
        pair(PAIR - 0x100, memory.allocate());
        pair(PAIR - 0x200, 4L << 20);
        pair(PAIR - 0x300, vmcb + 8);

        assertThat(Vmcb.ofVcpu(memory, DIRECT_MAP + vcpu).address()).isEqualTo(vmcb);
    }

    @ParameterizedTest
    @CsvSource({"0x10, 0x1ffffe", "0x40, 0", "0x48, 0x4008", "0x90, 0", "0x4d0, 0x500"})
    void whatVmrunWouldNotTakeIsNone(String offset, String value) {
        memory.put(vmcb + Long.decode(offset), Long.decode(value));

        assertThatThrownBy(() -> Vmcb.ofVcpu(memory, DIRECT_MAP + vcpu))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContaining("no VMCB");
    }

    @Test
    void aVcpuElsewhereIsAnError() {
        assertThatThrownBy(() -> Vmcb.ofVcpu(memory, 0xffff_c900_0000_0000L))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContaining("direct map");
        assertThatThrownBy(() -> Vmcb.ofVcpu(memory, DIRECT_MAP + (1 << 20)))
                .isInstanceOf(MalformedTableException.class);
    }

    @Test
    void otherMeaningsOfPermissionsAreRefused() {
        memory.put(vmcb + 0x90, 1 | (1 << 3));

        assertThatThrownBy(() -> Vmcb.ofVcpu(memory, DIRECT_MAP + vcpu))
                .isInstanceOf(MalformedTableException.class)
                .hasMessageContaining("guest mode execute trap");
    }
}
