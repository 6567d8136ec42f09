// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The file behind an ivshmem BAR, seen from outside the guest: whatever the guest writes to the
 * BAR, by CPU or by DMA, appears here at the same offset.
 *
 * <p>It is filled with 64-bit words, each of which tells which BAR and which offset it belongs to:
 * tag in bits 63:48, offset in 47:0, little endian. Data copied from anywhere else in the lab's
 * BARs therefore differs in every word from what was there. Offsets and lengths are in bytes,
 * multiples of 8.
 *
 * <p>Safe for several threads.
 */
public final class BarFile implements AutoCloseable {
    private static final int CHUNK = 64 * 1024;

    /** Bytes that changed: {@code length} from {@code offset}, in whole words of 8 bytes. */
    public record Range(long offset, long length) {
        /** Offset of the first byte behind it. */
        public long end() {
            return offset + length;
        }

        @Override
        public String toString() {
            return String.format("0x%x+0x%x", offset, length);
        }
    }

    /** The content of a part of a BAR at one moment. */
    public static final class Snapshot {
        private final long offset;
        private final byte[] bytes;

        private Snapshot(long offset, byte[] bytes) {
            this.offset = offset;
            this.bytes = bytes;
        }
    }

    private final MappedMemory memory;
    private final int tag;

    /**
     * Maps a BAR's file.
     *
     * @param size the BAR's size in bytes
     * @param tag 1 to 65535, different for every BAR of a guest
     */
    public BarFile(Path file, long size, int tag) {
        if (tag < 1 || tag > 0xffff) {
            throw new IllegalArgumentException("tag must be 1 to 65535: " + tag);
        }
        this.memory = MappedMemory.of(file, size);
        this.tag = tag;
    }

    /** The word that {@link #fill} puts at an offset of the BAR with a tag. */
    public static long word(int tag, long offset) {
        return (long) tag << 48 | offset;
    }

    /** What a word found somewhere is, in words, for messages: "BAR 1 offset 0x3000". */
    public static String describe(long word) {
        return word >>> 48 == 0 || (word & 7) != 0
                ? String.format("0x%016x, not of a BAR's pattern", word)
                : String.format("BAR %d offset 0x%x", word >>> 48, word & 0xffff_ffff_ffffL);
    }

    /** The BAR's size. */
    public long size() {
        return memory.size();
    }

    /** Fills all of it. A sparse file becomes as large as the BAR. */
    public void fill() {
        fill(0, size());
    }

    /** Fills a part of it. */
    public void fill(long offset, long length) {
        checkWords(offset, length);
        for (long done = 0; done < length; ) {
            int n = (int) Math.min(CHUNK, length - done);
            memory.write(offset + done, pattern(offset + done, n));
            done += n;
        }
    }

    /** The pattern for a range, as {@link #fill} writes it. */
    public byte[] pattern(long offset, int length) {
        checkWords(offset, length);
        ByteBuffer words = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < length; i += Long.BYTES) {
            words.putLong(word(tag, offset + i));
        }
        return words.array();
    }

    /** Reads bytes. */
    public byte[] read(long offset, int n) {
        return memory.read(offset, n);
    }

    /** Reads one word. */
    public long readLong(long offset) {
        return memory.readLong(offset);
    }

    /** Writes bytes, for the guest to see. */
    public void write(long offset, byte[] bytes) {
        memory.write(offset, bytes);
    }

    /**
     * Copies the whole BAR.
     *
     * @throws IllegalArgumentException when it is larger than 1 GiB
     */
    public Snapshot snapshot() {
        return snapshot(0, size());
    }

    /**
     * Copies a part of it.
     *
     * @throws IllegalArgumentException when that is more than 1 GiB
     */
    public Snapshot snapshot(long offset, long length) {
        checkWords(offset, length);
        if (length > 1 << 30) {
            throw new IllegalArgumentException(
                    "too large for a snapshot, take one of a part: " + length + " bytes");
        }
        return new Snapshot(offset, memory.read(offset, (int) length));
    }

    /**
     * Where the part in {@code since} differs from what it was, neighbouring words joined, in
     * order. Empty when nothing changed.
     */
    public List<Range> changedRanges(Snapshot since) {
        List<Range> ranges = new ArrayList<>();
        for (int at = 0; at < since.bytes.length; at += CHUNK) {
            int n = Math.min(CHUNK, since.bytes.length - at);
            byte[] now = memory.read(since.offset + at, n);
            compare(words(since.bytes, at, n), words(now, 0, n), since.offset + at, ranges);
        }
        return ranges;
    }

    private static void compare(LongBuffer before, LongBuffer now, long offset, List<Range> out) {
        for (int i = before.mismatch(now); i >= 0 && i < before.limit(); i++) {
            if (before.get(i) == now.get(i)) {
                continue;
            }
            long at = offset + (long) i * Long.BYTES;
            int last = out.size() - 1;
            if (last >= 0 && out.get(last).end() == at) {
                Range range = out.get(last);
                out.set(last, new Range(range.offset(), range.length() + Long.BYTES));
            } else {
                out.add(new Range(at, Long.BYTES));
            }
        }
    }

    private static LongBuffer words(byte[] bytes, int from, int n) {
        return ByteBuffer.wrap(bytes, from, n)
                .slice()
                .order(ByteOrder.LITTLE_ENDIAN)
                .asLongBuffer();
    }

    private static void checkWords(long offset, long length) {
        if ((offset & 7) != 0 || (length & 7) != 0 || length < 0) {
            throw new IllegalArgumentException(
                    "not in whole words of 8 bytes: " + new Range(offset, length));
        }
    }

    /** Unmaps the file; it stays. */
    @Override
    public void close() {
        memory.close();
    }
}
