// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/** Memory in an array, with a page allocator for building tables in it. */
final class TestMemory implements PhysicalMemory {
    private final ByteBuffer bytes;
    private long nextPage = 0x1000;

    TestMemory(int size) {
        bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Address of a page of zeroes that nobody else has. */
    long allocate() {
        long page = nextPage;
        nextPage += 0x1000;
        Objects.checkIndex((int) page, bytes.capacity());
        return page;
    }

    void put(long gpa, long value) {
        bytes.putLong((int) gpa, value);
    }

    @Override
    public long size() {
        return bytes.capacity();
    }

    @Override
    public long readLong(long gpa) {
        Objects.checkFromIndexSize(gpa, 8L, size());
        return bytes.getLong((int) gpa);
    }

    @Override
    public byte[] read(long gpa, int n) {
        Objects.checkFromIndexSize(gpa, (long) n, size());
        byte[] copy = new byte[n];
        bytes.get((int) gpa, copy);
        return copy;
    }
}
