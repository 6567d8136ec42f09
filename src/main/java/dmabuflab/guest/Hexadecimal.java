// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

/** Numbers as text, for arguments of 64 bits: a number of the agent's has no 64th bit. */
final class Hexadecimal {
    private Hexadecimal() {}

    static String of(long value) {
        return "0x" + Long.toHexString(value);
    }
}
