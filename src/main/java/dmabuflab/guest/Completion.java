// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Locale;

/**
 * How a work request ended. One that failed has completed too, and its {@link QueuePair} is in the
 * error state, where all that follows is flushed until it is reset.
 *
 * @param answer all that the agent said
 */
public record Completion(Answer answer) {
    /** The kernel's status, or why there was no completion. */
    public enum Status {
        SUCCESS,
        LOCAL_LENGTH,
        LOCAL_QP_OPERATION,
        /** The local part of a request is not what the region allows. */
        LOCAL_PROTECTION,
        LOCAL_ACCESS,
        /** It was pending or posted when the queue pair had failed. */
        FLUSH,
        MW_BIND,
        BAD_RESPONSE,
        REMOTE_INVALID_REQUEST,
        /** The peer's region, its range or its rights do not allow it. */
        REMOTE_ACCESS,
        /** The peer failed to do it. */
        REMOTE_OPERATION,
        RETRY_EXCEEDED,
        RNR_RETRY_EXCEEDED,
        RESPONSE_TIMEOUT,
        FATAL,
        GENERAL,
        /** No completion: the {@link RdmaLink} is gone. */
        DEVICE_REMOVED,
        /** No completion: the queue pair or its endpoint was closed meanwhile. */
        CLOSED;

        private static Status of(String word) {
            return valueOf(word.toUpperCase(Locale.ROOT).replace('-', '_'));
        }
    }

    /**
     * The status.
     *
     * @throws IllegalArgumentException when it is one that is unknown here
     */
    public Status status() {
        return Status.of(answer.text("status"));
    }

    public boolean success() {
        return status() == Status.SUCCESS;
    }

    /** What a status means to the device; rxe knows nothing but 0. */
    public long vendorError() {
        return answer.number("vendor_error");
    }

    /** Of a success: what was done, like {@code write} or {@code recv}. */
    public String opcode() {
        return answer.text("opcode");
    }

    /** Of a success: bytes received, or read. */
    public long length() {
        return answer.number("length");
    }

    /** Of a receive: the number that came with it. */
    public int imm() {
        return (int) answer.number("imm");
    }

    /** Of a receive: the remote key that it has invalidated. */
    public long invalidated() {
        return answer.number("invalidated");
    }

    @Override
    public String toString() {
        return answer.json().toString();
    }
}
