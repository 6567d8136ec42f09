// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The pages of a guest's memory that are not all zero, as one file.
 *
 * <p>QEMU's own migration stream says of each zero page that it is zero, and on loading has every
 * one of them looked at, which for shared memory means allocated: more than half a second for a
 * guest of 1.5 GiB that uses 50 MiB. So shared memory is left out of the stream and filled in here.
 *
 * <p>Format: runs of an offset and a length, both 64 bit and in bytes, each followed by its data;
 * an offset of -1 ends it.
 */
final class MemoryImage {
    private static final int PAGE = 4096;

    /** Runs are merged over gaps up to this size: copying a little more beats another call. */
    private static final int GAP = 16 * PAGE;

    private MemoryImage() {}

    /** Writes the memory of a stopped guest. */
    static void save(Path memory, Path image) throws IOException {
        try (FileChannel from = FileChannel.open(memory, StandardOpenOption.READ);
                DataOutputStream to =
                        new DataOutputStream(
                                new BufferedOutputStream(Files.newOutputStream(image), 1 << 20))) {
            MappedByteBuffer pages = from.map(FileChannel.MapMode.READ_ONLY, 0, from.size());
            byte[] data = new byte[PAGE];
            long start = -1;
            long end = -1;
            for (int offset = 0; offset < pages.capacity(); offset += PAGE) {
                if (isZero(pages, offset)) {
                    continue;
                }
                if (start < 0) {
                    start = offset;
                } else if (offset - end > GAP) {
                    write(pages, start, end, data, to);
                    start = offset;
                }
                end = offset + (long) PAGE;
            }
            if (start >= 0) {
                write(pages, start, end, data, to);
            }
            to.writeLong(-1);
        }
    }

    /** Fills the memory of a guest that has not run yet. */
    static void load(Path image, Path memory) throws IOException {
        try (FileChannel from = FileChannel.open(image, StandardOpenOption.READ);
                FileChannel to = FileChannel.open(memory, StandardOpenOption.WRITE)) {
            ByteBuffer run = ByteBuffer.allocate(2 * Long.BYTES);
            while (true) {
                run.clear().limit(Long.BYTES);
                readFully(from, run);
                long offset = run.getLong(0);
                if (offset < 0) {
                    return;
                }
                run.limit(2 * Long.BYTES);
                readFully(from, run);
                long length = run.getLong(Long.BYTES);
                to.position(offset);
                for (long done = 0; done < length; ) {
                    long n = from.transferTo(from.position(), length - done, to);
                    if (n <= 0) {
                        throw new IOException(image + " is cut short");
                    }
                    from.position(from.position() + n);
                    done += n;
                }
            }
        }
    }

    private static boolean isZero(MappedByteBuffer pages, int offset) {
        for (int i = offset; i < offset + PAGE; i += Long.BYTES) {
            if (pages.getLong(i) != 0) {
                return false;
            }
        }
        return true;
    }

    private static void write(
            MappedByteBuffer pages, long start, long end, byte[] data, DataOutputStream to)
            throws IOException {
        to.writeLong(start);
        to.writeLong(end - start);
        for (int offset = (int) start; offset < end; offset += PAGE) {
            pages.get(offset, data);
            to.write(data);
        }
    }

    private static void readFully(FileChannel from, ByteBuffer to) throws IOException {
        while (to.hasRemaining()) {
            if (from.read(to) < 0) {
                throw new IOException("memory image is cut short");
            }
        }
    }
}
