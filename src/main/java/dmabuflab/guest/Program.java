// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.Command;
import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A program sent into the guest when it is needed, so that guests that do not need it are not
 * larger for it.
 */
public final class Program {
    /** Of the program at a time; well below what a line to the agent may have. */
    private static final int PIECE = 768 * 1024;

    /** A library that {@code ldd} has found, or the program that loads them. */
    private static final Pattern LIBRARY = Pattern.compile("(/\\S+) \\(0x\\p{XDigit}+\\)");

    private static final String DIRECTORY = "/tmp/";

    private final Agent agent;
    private final List<String> command;
    private final String output;

    /**
     * @param command the path of what is started, and what comes before a caller's arguments
     */
    private Program(Agent agent, List<String> command, String output) {
        this.agent = agent;
        this.command = command;
        this.output = output;
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
        String path = put(agent, file);
        return new Program(agent, List.of(path), path + ".out");
    }

    /**
     * Puts a dynamically linked one there, with the libraries it needs, and has it load one more
     * that it would not find by itself.
     */
    public static Program sendWithLibraries(Agent agent, Path file, Path more) {
        Set<String> libraries =
                LIBRARY.matcher(Command.of("ldd", file.toString(), more.toString()).output())
                        .results()
                        .map(found -> found.group(1))
                        .collect(Collectors.toCollection(TreeSet::new));
        String loader = "";
        for (String library : libraries) {
            String path = put(agent, Path.of(library));
            if (path.startsWith(DIRECTORY + "ld-linux")) {
                loader = path;
            }
        }
        String path = put(agent, file);
        return new Program(
                agent,
                List.of(loader, "--library-path", DIRECTORY, "--preload", put(agent, more), path),
                path + ".out");
    }

    /**
     * A script for the guest's sh.
     *
     * @param output where in the guest to keep what it prints
     */
    static Program script(Agent agent, String script, String output) {
        return new Program(agent, List.of("/bin/sh", "-ec", script), output);
    }

    private static String put(Agent agent, Path file) {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot read " + file, e.toString(), "was the cache deleted?", e);
        }
        String path = DIRECTORY + file.getFileName();
        put(agent, path, bytes);
        return path;
    }

    /** Writes a file of the guest. */
    static void put(Agent agent, String path, byte[] bytes) {
        int at = 0;
        do {
            byte[] piece = Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + PIECE));
            String data = Base64.getEncoder().encodeToString(piece);
            agent.call(
                    "program.put", Map.of("path", path, "data", data, "append", at == 0 ? 0 : 1));
            at += PIECE;
        } while (at < bytes.length);
    }

    /** The same program, to be run by a process of the guest. */
    public Program in(GuestProcess process) {
        return new Program(process.agent(), command, output + "." + process.name());
    }

    /**
     * Runs it and waits for its end.
     *
     * @param limit after which it is killed
     * @throws AgentRefusal when it cannot even be started
     */
    public Ended run(List<String> arguments, Duration limit) {
        return ended(agent.call("program.run", request(arguments, limit)));
    }

    /** The same as a job, whose answer is for {@link #ended}. */
    public Job start(List<String> arguments, Duration limit) {
        return Job.start(agent, "program.run", request(arguments, limit));
    }

    private Map<String, ?> request(List<String> arguments, Duration limit) {
        List<String> all = new ArrayList<>(command.subList(1, command.size()));
        all.addAll(arguments);
        return Map.of(
                "path",
                command.get(0),
                "args",
                all,
                "output",
                output,
                "timeout_ms",
                limit.toMillis());
    }

    public Ended ended(Answer answer) {
        return new Ended(
                answer.json().has("status")
                        ? OptionalLong.of(answer.number("status"))
                        : OptionalLong.empty(),
                answer.json().path("signal").asText(),
                answer.json().path("timed_out").asBoolean(),
                Duration.ofMillis(answer.number("elapsed_ms")),
                read(output));
    }

    private String read(String file) {
        StringBuilder text = new StringBuilder();
        long offset = 0;
        while (true) {
            Answer part = agent.call("program.output", Map.of("path", file, "offset", offset));
            if (part.number("next") == offset) {
                return text.toString();
            }
            text.append(part.text("text"));
            offset = part.number("next");
        }
    }
}
