// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One JSON object a line over a socket, in both directions: QMP and the guest agent speak it.
 *
 * <p>A reader thread receives; {@link #next} hands the lines out in order. Sending and receiving
 * may be done from different threads, each from one at a time.
 */
public final class JsonLines implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Longer lines are cut in the transcript: they are traces, which have a file of their own. */
    private static final int TRANSCRIBED = 2000;

    private final SocketChannel socket;
    private final LinkedBlockingQueue<Received> received = new LinkedBlockingQueue<>();
    private final Consumer<String> transcript;

    /** A line, or the end of the stream with its reason when {@code line} is null. */
    private record Received(JsonNode line, IOException end) {}

    /**
     * @param transcript is told every line in both directions, marked "→ " and "← "
     */
    public JsonLines(String name, SocketChannel socket, Consumer<String> transcript) {
        this.socket = socket;
        this.transcript = transcript;
        Thread reader = new Thread(this::receive, name + " reader");
        reader.setDaemon(true);
        reader.start();
    }

    /** Sends one object. */
    public void send(JsonNode object) throws IOException {
        String line = object.toString();
        transcribe("→ ", line);
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            socket.write(bytes);
        }
    }

    /**
     * The next object received.
     *
     * @return null when nothing arrived within the limit
     * @throws IOException when the other side has closed or sent something that is not JSON
     */
    public JsonNode next(Duration limit) throws IOException, InterruptedException {
        Received head = received.poll(limit.toNanos(), TimeUnit.NANOSECONDS);
        if (head == null) {
            return null;
        }
        if (head.line() == null) {
            received.add(head); // every later call ends the same way
            throw new IOException(head.end().getMessage(), head.end());
        }
        return head.line();
    }

    private void receive() {
        // Not closed here: what cannot be read is to be reported as such, not as a closed socket.
        BufferedReader lines =
                new BufferedReader(Channels.newReader(socket, StandardCharsets.UTF_8));
        try {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                transcribe("← ", line);
                received.add(new Received(parse(line), null));
            }
            received.add(new Received(null, new IOException("connection closed by peer")));
        } catch (IOException e) {
            received.add(new Received(null, e));
        } catch (UncheckedIOException e) {
            received.add(new Received(null, e.getCause()));
        }
    }

    private void transcribe(String direction, String line) {
        boolean whole = line.length() <= TRANSCRIBED;
        transcript.accept(direction + (whole ? line : line.substring(0, TRANSCRIBED) + " …"));
    }

    private static JsonNode parse(String line) throws IOException {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new IOException("not JSON: " + line, e);
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
