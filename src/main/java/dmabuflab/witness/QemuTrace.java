// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Follows the file that QEMU's "log" trace backend writes ({@code -D file}) and turns what an IOMMU
 * model did into events. Lines of other events are skipped. For one thread.
 */
public final class QemuTrace {
    private final Path file;
    private final TraceParser parser;
    private final LineBuffer lines = new LineBuffer();
    private long position;

    /** Follows a file from its start; it need not exist yet. */
    public QemuTrace(Path file, TraceParser parser) {
        this.file = file;
        this.parser = parser;
    }

    /**
     * The events that came since the last call, in order. Part of a line waits for its rest.
     *
     * @throws UncheckedIOException when the file cannot be read
     * @throws MalformedTraceException when a known event has an unknown form
     */
    public List<TraceEvent> poll() {
        List<TraceEvent> events = new ArrayList<>();
        if (!Files.exists(file)) {
            return events;
        }
        try (SeekableByteChannel channel = Files.newByteChannel(file)) {
            channel.position(position);
            ByteBuffer chunk = ByteBuffer.allocate(64 * 1024);
            while (channel.read(chunk) > 0) {
                position += chunk.position();
                lines.accept(
                        chunk.array(),
                        0,
                        chunk.position(),
                        line -> TraceLine.of(line).flatMap(this::parse).ifPresent(events::add));
                chunk.clear();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read QEMU's trace " + file, e);
        }
        return events;
    }

    private Optional<TraceEvent> parse(TraceLine line) {
        return BarTrace.parse(line).or(() -> parser.parse(line));
    }
}
