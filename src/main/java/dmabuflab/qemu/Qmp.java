// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.function.Predicate;

/** QEMU's control channel. Calls are serialized; events are kept until somebody waits for them. */
public final class Qmp implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final JsonLines channel;
    private final Duration limit;
    private final Deque<JsonNode> events = new ArrayDeque<>();

    /**
     * Negotiates capabilities.
     *
     * @param limit how long QEMU may take for one answer
     */
    public Qmp(JsonLines channel, Duration limit) {
        this.channel = channel;
        this.limit = limit;
        receive("greeting", limit);
        execute("qmp_capabilities");
    }

    /** Executes a command without arguments; see {@link #execute(String, Map)}. */
    public JsonNode execute(String command) {
        return execute(command, Map.of());
    }

    /**
     * Executes a command and returns its answer.
     *
     * @throws InfrastructureException when QEMU refuses, with its own words, or has gone
     */
    public synchronized JsonNode execute(String command, Map<String, ?> arguments) {
        ObjectNode request = JSON.createObjectNode().put("execute", command);
        if (!arguments.isEmpty()) {
            request.set("arguments", JSON.valueToTree(arguments));
        }
        try {
            channel.send(request);
        } catch (IOException e) {
            throw gone(command, e);
        }
        while (true) {
            JsonNode answer = receive(command, limit);
            if (answer.has("return")) {
                return answer.get("return");
            }
            if (answer.has("error")) {
                throw new InfrastructureException(
                        "QEMU refused " + request,
                        answer.get("error").path("desc").asText(),
                        "see qemu.log next to the console log");
            }
            events.add(answer);
        }
    }

    /** How long QEMU may take for one answer. */
    Duration limit() {
        return limit;
    }

    /** Runs a command of QEMU's human monitor and returns what it prints. */
    public String monitor(String commandLine) {
        return execute("human-monitor-command", Map.of("command-line", commandLine)).asText();
    }

    /** Waits for an event, those that have come already included, and takes it. */
    public synchronized JsonNode await(String event, Predicate<JsonNode> matches, Duration within) {
        long deadline = System.nanoTime() + within.toNanos();
        while (true) {
            for (var kept = events.iterator(); kept.hasNext(); ) {
                JsonNode candidate = kept.next();
                if (candidate.path("event").asText().equals(event)
                        && matches.test(candidate.path("data"))) {
                    kept.remove();
                    return candidate.path("data");
                }
            }
            events.add(receive(event, Duration.ofNanos(deadline - System.nanoTime())));
        }
    }

    private JsonNode receive(String what, Duration within) {
        try {
            JsonNode line = channel.next(within);
            if (line == null) {
                throw new InfrastructureException(
                        "QEMU does not answer",
                        "nothing for " + what + " within " + within.toMillis() + " ms",
                        "on a slow or loaded machine raise --timeout-scale");
            }
            return line;
        } catch (IOException e) {
            throw gone(what, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw gone(what, e);
        }
    }

    private static InfrastructureException gone(String what, Exception cause) {
        return new InfrastructureException(
                "QEMU has gone",
                cause.getMessage() + " (while waiting for " + what + ")",
                "see qemu.log next to the console log",
                cause);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
