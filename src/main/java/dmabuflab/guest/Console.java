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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Reads the guest's serial console to its end, into a file and to a listener. */
final class Console {
    /** What the guest's kernel is made to print last. */
    static final String END = "dmabuf-lab: end of scenario";

    private final Thread reader;
    private final CountDownLatch end = new CountDownLatch(1);
    private volatile IOException failure;

    Console(SocketChannel socket, Path log, Consumer<byte[]> listener) {
        reader = new Thread(() -> copy(socket, log, listener), "console reader");
        reader.setDaemon(true);
        reader.start();
    }

    private void copy(SocketChannel socket, Path log, Consumer<byte[]> listener) {
        ByteBuffer buffer = ByteBuffer.allocate(8192);
        String tail = "";
        try (OutputStream file = Files.newOutputStream(log)) {
            while (socket.read(buffer.clear()) >= 0) {
                byte[] bytes = Arrays.copyOf(buffer.array(), buffer.position());
                file.write(bytes);
                listener.accept(bytes);
                tail += new String(bytes, StandardCharsets.ISO_8859_1);
                if (tail.contains(END)) {
                    end.countDown();
                }
                tail = tail.substring(Math.max(0, tail.length() - END.length()));
            }
        } catch (IOException e) {
            failure = e;
        }
    }

    /**
     * Waits until the kernel's last line has come, and with it all lines before: it prints from a
     * thread of its own, some time after it has logged.
     */
    boolean awaitEnd(Duration limit) throws InterruptedException {
        return end.await(limit.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Waits until QEMU has closed the console, then reports what kept it from being recorded. */
    void finish() throws IOException, InterruptedException {
        reader.join();
        if (failure != null) {
            throw failure;
        }
    }
}
