// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import java.util.List;

/** How QEMU executes guest code, with the processor model that gives the guest AMD SVM. */
public enum Accelerator {
    /** Emulation: always works. EPYC because P2PDMA accepts q35's host bridge on AMD Zen only. */
    TCG("tcg,thread=multi", "EPYC"),
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
