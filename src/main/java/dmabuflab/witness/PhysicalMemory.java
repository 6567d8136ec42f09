// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

/**
 * A guest's physical memory as seen from outside. Addresses and lengths are in bytes.
 *
 * <p>Implementations are safe for use by several threads. The guest may write while it is read:
 * only {@link #readLong} of an aligned address is one indivisible access.
 */
public interface PhysicalMemory {
    /** Number of bytes; the valid addresses are 0 to {@code size() - 1}. */
    long size();

    /**
     * Reads 64 bits, little endian.
     *
     * @throws IndexOutOfBoundsException when the eight bytes are not all inside the memory
     */
    long readLong(long gpa);

    /**
     * Reads {@code n} bytes into a new array.
     *
     * @throws IndexOutOfBoundsException when the bytes are not all inside the memory
     */
    byte[] read(long gpa, int n);
}
