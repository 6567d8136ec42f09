// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * Cuts a byte stream that comes in arbitrary pieces into lines. Both {@code \n} and {@code \r\n}
 * end a line; a line longer than 16 KiB is cut, so that a stream without line ends cannot fill the
 * memory. For one thread.
 */
final class LineBuffer {
    private static final int LIMIT = 16 * 1024;

    private final ByteArrayOutputStream partial = new ByteArrayOutputStream();

    void accept(byte[] bytes, int offset, int length, Consumer<String> lines) {
        for (int i = offset; i < offset + length; i++) {
            if (bytes[i] == '\n') {
                flush(lines);
            } else {
                partial.write(bytes[i]);
                if (partial.size() == LIMIT) {
                    flush(lines);
                }
            }
        }
    }

    /** Hands over what is left without a line end, if anything. */
    void finish(Consumer<String> lines) {
        if (partial.size() > 0) {
            flush(lines);
        }
    }

    private void flush(Consumer<String> lines) {
        String line = partial.toString(StandardCharsets.UTF_8);
        partial.reset();
        lines.accept(line.endsWith("\r") ? line.substring(0, line.length() - 1) : line);
    }
}
