// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A file mapped shared into this process: a guest's RAM (the memfd behind QEMU's memory backend) or
 * the file behind an ivshmem BAR. What the other side stores is visible at once, and the reverse.
 *
 * <p>File offsets are taken as guest physical addresses. On q35 that holds for a guest whose RAM
 * ends below the PCI hole (up to 2.75 GiB); what QEMU moves above 4 GiB is not found at its
 * address.
 *
 * <p>Safe for several threads. {@link #close} unmaps at once instead of leaving gigabytes to the
 * garbage collector; every access after it throws {@link IllegalStateException}.
 */
public final class MappedMemory implements PhysicalMemory, AutoCloseable {
    /** One Java buffer cannot span more than 2 GiB. */
    private static final int SEGMENT_SHIFT = 30;

    private static final long SEGMENT = 1L << SEGMENT_SHIFT;
    private static final VarHandle LONG =
            MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final MethodHandle UNMAP = unmapper();

    private final Path file;
    private final long size;
    private final List<MappedByteBuffer> segments;
    private boolean closed;

    private MappedMemory(Path file, long size, List<MappedByteBuffer> segments) {
        this.file = file;
        this.size = size;
        this.segments = segments;
    }

    /**
     * Maps the first {@code size} bytes of a file that is at least that long, for reading and
     * writing.
     *
     * @throws InfrastructureException when the file is shorter or cannot be mapped
     */
    public static MappedMemory of(Path file, long size) {
        List<MappedByteBuffer> segments = new ArrayList<>();
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            if (channel.size() < size) {
                // map() would silently grow it, and QEMU would not see the growth.
                throw new InfrastructureException(
                        "cannot map " + file,
                        "it has " + channel.size() + " bytes, expected " + size,
                        "check that the memory backend is of that size and shared");
            }
            for (long at = 0; at < size; at += SEGMENT) {
                segments.add(
                        channel.map(
                                FileChannel.MapMode.READ_WRITE, at, Math.min(SEGMENT, size - at)));
            }
        } catch (IOException e) {
            segments.forEach(MappedMemory::unmap);
            throw new InfrastructureException(
                    "cannot map " + file,
                    String.valueOf(e.getMessage()),
                    "check that it exists and that this user may open it",
                    e);
        }
        return new MappedMemory(file, size, segments);
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public synchronized long readLong(long gpa) {
        check(gpa, Long.BYTES);
        if ((gpa & 7) == 0) {
            return (long) LONG.getAcquire(segment(gpa), within(gpa));
        }
        return ByteBuffer.wrap(read(gpa, Long.BYTES)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    /**
     * Writes 64 bits, little endian; one indivisible access when the address is a multiple of 8.
     *
     * @throws IndexOutOfBoundsException when the eight bytes are not all inside the memory
     */
    public synchronized void writeLong(long gpa, long value) {
        check(gpa, Long.BYTES);
        if ((gpa & 7) == 0) {
            LONG.setRelease(segment(gpa), within(gpa), value);
        } else {
            byte[] bytes = new byte[Long.BYTES];
            ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(value);
            write(gpa, bytes);
        }
    }

    @Override
    public synchronized byte[] read(long gpa, int n) {
        check(gpa, n);
        byte[] bytes = new byte[n];
        for (int done = 0; done < n; ) {
            long at = gpa + done;
            int chunk = (int) Math.min(n - done, SEGMENT - within(at));
            segment(at).get(within(at), bytes, done, chunk);
            done += chunk;
        }
        return bytes;
    }

    /**
     * Writes all of {@code bytes} at an address.
     *
     * @throws IndexOutOfBoundsException when they do not fit
     */
    public synchronized void write(long gpa, byte[] bytes) {
        check(gpa, bytes.length);
        for (int done = 0; done < bytes.length; ) {
            long at = gpa + done;
            int chunk = (int) Math.min(bytes.length - done, SEGMENT - within(at));
            segment(at).put(within(at), bytes, done, chunk);
            done += chunk;
        }
    }

    /** Unmaps. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            segments.forEach(MappedMemory::unmap);
        }
    }

    @Override
    public String toString() {
        return file + " (" + size + " bytes)";
    }

    private MappedByteBuffer segment(long gpa) {
        return segments.get((int) (gpa >>> SEGMENT_SHIFT));
    }

    private static int within(long gpa) {
        return (int) (gpa & (SEGMENT - 1));
    }

    private void check(long gpa, int n) {
        if (closed) {
            throw new IllegalStateException(file + " is no longer mapped");
        }
        if (gpa < 0 || n < 0 || gpa > size - n) {
            throw new IndexOutOfBoundsException(
                    String.format("0x%x+0x%x is outside %s", gpa, n, this));
        }
    }

    private static void unmap(MappedByteBuffer buffer) {
        try {
            UNMAP.invoke(buffer);
        } catch (Throwable e) {
            throw new IllegalStateException("cannot unmap", e);
        }
    }

    /**
     * Java 17 has no public way to unmap a buffer. This one is what libraries use; it is reached by
     * name because the compiler's warning about its class cannot be suppressed.
     */
    private static MethodHandle unmapper() {
        try {
            Class<?> unsafe = Class.forName("sun.misc.Unsafe");
            var field = unsafe.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            return MethodHandles.lookup()
                    .findVirtual(
                            unsafe,
                            "invokeCleaner",
                            MethodType.methodType(void.class, ByteBuffer.class))
                    .bindTo(field.get(null));
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("this Java runtime cannot unmap files", e);
        }
    }
}
