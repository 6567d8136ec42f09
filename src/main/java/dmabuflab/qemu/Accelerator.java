// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import java.util.List;

/** How QEMU executes guest code, with the processor model that gives the guest AMD SVM. */
public enum Accelerator {
    /** Emulation: always works. EPYC because P2PDMA accepts q35's host bridge on AMD Zen only. */
    TCG("tcg,thread=multi", "EPYC"),
    /** The same with one virtual CPU running at a time. */
    TCG_IN_TURNS("tcg,thread=single", "EPYC"),
    /** Hardware virtualization; chosen only after a trial saw a guest run. */
    KVM("kvm", "host");

    private final String accel;
    private final String cpu;

    Accelerator(String accel, String cpu) {
        this.accel = accel;
        this.cpu = cpu;
    }

    /** This one with virtual CPUs that take turns, where that can be had. */
    public Accelerator inTurns() {
        return this == TCG ? TCG_IN_TURNS : this;
    }

    /** QEMU's options for it. */
    public List<String> arguments() {
        return List.of("-accel", accel, "-cpu", cpu);
    }
}
