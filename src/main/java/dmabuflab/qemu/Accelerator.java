// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import java.util.List;

/** How QEMU executes guest code, with the processor model that gives the guest AMD SVM. */
public enum Accelerator {
    /**
     * Emulation: always works. EPYC because P2PDMA accepts q35's host bridge on AMD Zen only.
     *
     * <p>Virtual CPUs take turns. In parallel QEMU 7.2 was seen to lose a register write of one
     * while another changed the memory map, to stop a guest for good in a boot and in the middle of
     * a DMA, to crash when a machine inside the guest used such memory, and to shut down one of
     * that machine's vCPUs for no reason. The guest's scheduler switches between them anywhere.
     */
    TCG("tcg,thread=single", "EPYC"),
    /** Hardware virtualization; chosen only after a trial saw a guest run. */
    KVM("kvm", "host");

    private final String accel;
    private final String cpu;

    Accelerator(String accel, String cpu) {
        this.accel = accel;
        this.cpu = cpu;
    }

    /** QEMU's options for it. */
    public List<String> arguments() {
        return List.of("-accel", accel, "-cpu", cpu);
    }
}
