// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

/**
 * QEMU's trace or the guest's has a line that cannot be understood, or that cannot follow on what
 * came before. The message has the line. Nothing that rests on this trace can be believed then: it
 * may be of a QEMU or a kernel whose events differ.
 */
public class MalformedTraceException extends RuntimeException {
    MalformedTraceException(String message) {
        super(message);
    }
}
