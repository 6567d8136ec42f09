// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;

/** Reads the guest's serial console to its end, into a file and to a listener. */
final class Console {
    private final Thread reader;
    private volatile IOException failure;

    Console(SocketChannel socket, Path log, Consumer<byte[]> listener) {
        reader = new Thread(() -> copy(socket, log, listener), "console reader");
        reader.setDaemon(true);
        reader.start();
    }

    private void copy(SocketChannel socket, Path log, Consumer<byte[]> listener) {
        ByteBuffer buffer = ByteBuffer.allocate(8192);
        try (OutputStream file = Files.newOutputStream(log)) {
            while (socket.read(buffer.clear()) >= 0) {
                byte[] bytes = Arrays.copyOf(buffer.array(), buffer.position());
                file.write(bytes);
                listener.accept(bytes);
            }
        } catch (IOException e) {
            failure = e;
        }
    }

    /** Waits until QEMU has closed the console, then reports what kept it from being recorded. */
    void finish() throws IOException, InterruptedException {
        reader.join();
        if (failure != null) {
            throw failure;
        }
    }
}
