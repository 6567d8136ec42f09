// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

/** Guest memory as a table walker reads it: a table outside of it is the guest's mistake. */
record TableMemory(PhysicalMemory memory) {

    /** Reads 64 bits of a table. */
    long readLong(long at) {
        try {
            return memory.readLong(at);
        } catch (IndexOutOfBoundsException e) {
            throw outside(at);
        }
    }

    /** Reads {@code n} bytes of a table. */
    byte[] read(long at, int n) {
        try {
            return memory.read(at, n);
        } catch (IndexOutOfBoundsException e) {
            throw outside(at);
        }
    }

    /** What is wrong with an entry. */
    static MalformedTableException malformed(String what, long at, long value, String problem) {
        return new MalformedTableException(
                "%s at 0x%x is 0x%016x: %s".formatted(what, at, value, problem));
    }

    private MalformedTableException outside(long at) {
        return new MalformedTableException(
                "a table is said to be at 0x%x, outside the %d bytes of memory"
                        .formatted(at, memory.size()));
    }
}
