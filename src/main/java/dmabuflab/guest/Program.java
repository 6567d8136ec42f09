// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * A program sent into the guest when it is needed, so that guests that do not need it are not
 * larger for it.
 */
public final class Program {
    /** Of the program at a time; well below what a line to the agent may have. */
    private static final int PIECE = 768 * 1024;

    private final Agent agent;
    private final String path;

    private Program(Agent agent, String path) {
        this.agent = agent;
        this.path = path;
    }

    /**
     * How a program ended.
     *
     * @param status its exit status, empty when a signal ended it
     * @param signal that signal's name without SIG, "" for none
     * @param timedOut true when it had to be killed, whether or not that has worked
     * @param output what it printed, standard output and error as they came
     */
    public record Ended(
            OptionalLong status,
            String signal,
            boolean timedOut,
            Duration elapsed,
            String output) {}

    /** Puts a statically linked program of the host into the guest's memory. */
    public static Program send(Agent agent, Path file) {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot read " + file, e.toString(), "was the cache deleted?", e);
        }
        String path = "/tmp/" + file.getFileName();
        for (int at = 0; at < bytes.length; at += PIECE) {
            byte[] piece = Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + PIECE));
            String data = Base64.getEncoder().encodeToString(piece);
            agent.call(
                    "program.put", Map.of("path", path, "data", data, "append", at == 0 ? 0 : 1));
        }
        return new Program(agent, path);
    }

    /**
     * Runs it and waits for its end.
     *
     * @param limit after which it is killed
     * @throws AgentRefusal when it cannot even be started
     */
    public Ended run(List<String> arguments, Duration limit) {
        String output = path + ".out";
        Answer ended =
                agent.call(
                        "program.run",
                        Map.of(
                                "path", path,
                                "args", arguments,
                                "output", output,
                                "timeout_ms", limit.toMillis()));
        return new Ended(
                ended.json().has("status")
                        ? OptionalLong.of(ended.number("status"))
                        : OptionalLong.empty(),
                ended.json().path("signal").asText(),
                ended.json().path("timed_out").asBoolean(),
                Duration.ofMillis(ended.number("elapsed_ms")),
                read(output));
    }

    private String read(String output) {
        StringBuilder text = new StringBuilder();
        long offset = 0;
        while (true) {
            Answer part = agent.call("program.output", Map.of("path", output, "offset", offset));
            if (part.number("next") == offset) {
                return text.toString();
            }
            text.append(part.text("text"));
            offset = part.number("next");
        }
    }
}
