// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

/**
 * How a command to a {@link Vcpu} ended: what KVM_RUN returned with, and how far the vCPU had come.
 *
 * @param answer all that the agent said
 */
public record Exit(Answer answer) {
    /** The reason when the vCPU did all that it was told. */
    public static final String COMPLETE = "complete";

    /** A GPA that KVM could not give the vCPU a page for, and says so. */
    public static final String MEMORY_FAULT = "memory-fault";

    /** A GPA without a slot. */
    public static final String MMIO = "mmio";

    /** KVM_RUN failed and gave no reason: only {@link #errno} tells. */
    public static final String ERROR = "error";

    /** Of a {@link #MEMORY_FAULT}: the access was private. */
    public static final long PRIVATE = 1 << 3;

    /**
     * {@link #COMPLETE}, {@link #MEMORY_FAULT}, {@link #MMIO}, {@link #ERROR}, {@code intr}, {@code
     * shutdown}, {@code internal-error}, {@code fail-entry}, or {@code unexpected}.
     */
    public String reason() {
        return answer.text("exit");
    }

    public boolean complete() {
        return reason().equals(COMPLETE);
    }

    /** Error of KVM_RUN, "" when it has returned 0. */
    public String errno() {
        return answer.errno();
    }

    /** Address of a {@link #MEMORY_FAULT} or {@link #MMIO}. */
    public long gpa() {
        return answer.number("gpa");
    }

    /** Bytes that a {@link #MEMORY_FAULT} or {@link #MMIO} is about. */
    public long size() {
        return answer.number("size");
    }

    /** What KVM tells of a {@link #MEMORY_FAULT}: 0 or {@link #PRIVATE}. */
    public long flags() {
        return answer.number("flags");
    }

    /** How many accesses have happened, those before a {@link Vcpu#resume} included. */
    public long done() {
        return answer.number("done");
    }

    /** What the last access has read, or written; 0 before the first. */
    public long value() {
        return answer.number("value");
    }

    /** What the first 4096 accesses of a read of several words have read. */
    public long[] values() {
        return answer.numbers("values");
    }

    /** How long KVM_RUN took, in nanoseconds on the guest's clock. */
    public long nanoseconds() {
        return answer.number("ns");
    }

    @Override
    public String toString() {
        return answer.json().toString();
    }
}
