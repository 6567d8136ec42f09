// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Reads the guest's serial console to its end, into a file and to a listener. */
final class Console {
    private static final int LONGEST_MARK = 100;

    /** A text somebody waits for. */
    private record Mark(String text, CountDownLatch seen) {}

    private final Path log;
    private final Thread reader;
    private final List<Mark> marks = new CopyOnWriteArrayList<>();
    private volatile IOException failure;
    private final AtomicLong printed = new AtomicLong();

    Console(SocketChannel socket, Path log, Consumer<byte[]> listener) {
        this.log = log;
        reader = new Thread(() -> copy(socket, listener), "console reader");
        reader.setDaemon(true);
        reader.start();
    }

    private void copy(SocketChannel socket, Consumer<byte[]> listener) {
        ByteBuffer buffer = ByteBuffer.allocate(8192);
        String tail = "";
        try (OutputStream file = Files.newOutputStream(log)) {
            while (socket.read(buffer.clear()) >= 0) {
                byte[] bytes = Arrays.copyOf(buffer.array(), buffer.position());
                file.write(bytes);
                listener.accept(bytes);
                printed.addAndGet(bytes.length);
                String text = tail + new String(bytes, StandardCharsets.ISO_8859_1);
                for (Mark mark : marks) {
                    if (text.contains(mark.text())) {
                        mark.seen().countDown();
                    }
                }
                tail = text.substring(Math.max(0, text.length() - LONGEST_MARK));
            }
        } catch (IOException e) {
            failure = e;
        }
    }

    /**
     * Asks whether the guest has printed anything since the last time that this was asked.
     *
     * @param longest after this it is no longer of interest
     */
    BooleanSupplier hasPrinted(Duration longest) {
        long end = System.nanoTime() + longest.toNanos();
        AtomicLong known = new AtomicLong();
        return () -> {
            long now = printed.get();
            return known.getAndSet(now) != now && System.nanoTime() < end;
        };
    }

    /**
     * Begins to watch for a text of up to a hundred characters.
     *
     * @return counts down to zero when it has come
     */
    CountDownLatch watchFor(String text) {
        Mark mark = new Mark(text, new CountDownLatch(1));
        marks.add(mark);
        return mark.seen();
    }

    /** Waits until QEMU has closed the console, then reports what kept it from being recorded. */
    void finish() throws IOException, InterruptedException {
        reader.join();
        if (failure != null) {
            throw failure;
        }
    }

    /** Waits as well, and returns the last lines. */
    String lastLines(int count) throws IOException, InterruptedException {
        finish();
        List<String> lines = Files.readString(log, StandardCharsets.ISO_8859_1).lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - count), lines.size()));
    }
}
