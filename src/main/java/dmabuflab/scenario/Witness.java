// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

/** Whoever can say something about memory. A scenario has to hear two of them. */
public enum Witness {
    /** What a system call of the kernel under test returned. */
    KERNEL_ANSWER("kernel answer"),
    /** Trace events and probes of the kernel under test. */
    KERNEL_EVENTS("kernel events"),
    /** QEMU's device model and the page tables in guest memory, read from outside. */
    HARDWARE("hardware"),
    /** The memory behind a BAR, mapped by this process. */
    MEMORY("memory");

    private final String label;

    Witness(String label) {
        this.label = label;
    }

    @Override
    public String toString() {
        return label;
    }
}
