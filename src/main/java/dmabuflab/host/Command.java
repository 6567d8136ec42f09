// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.apache.commons.exec.PumpStreamHandler;

/**
 * One external process; every process of the lab is started here. Children run with {@code
 * LC_ALL=C.UTF-8}, so that their messages can be parsed, and none outlives the JVM.
 *
 * <p>A {@code Command} is a builder and belongs to one thread. Every method that starts a process
 * throws {@link InfrastructureException} if the program is not installed, cannot be started, or the
 * calling thread is interrupted while it waits.
 */
public final class Command {

    private final List<String> words;
    private final Map<String, String> environment = new HashMap<>(System.getenv());
    private Path directory = Path.of("").toAbsolutePath();
    private Path log;
    private Consumer<String> eachLine = line -> {};
    private Duration limit;
    private byte[] stdin;
    private Sandbox sandbox;

    private Command(List<String> words) {
        this.words = List.copyOf(words);
        environment.put("LC_ALL", "C.UTF-8");
    }

    /** A program and its arguments; no shell and no quoting in between. */
    public static Command of(String... words) {
        return new Command(List.of(words));
    }

    /** As above. */
    public static Command of(List<String> words) {
        return new Command(words);
    }

    /** Runs it in {@code directory} instead of the current one. */
    public Command in(Path directory) {
        this.directory = directory;
        return this;
    }

    /** Sets an environment variable, or with a {@code null} value takes it away. */
    public Command env(String key, String value) {
        if (value == null) {
            environment.remove(key);
        } else {
            environment.put(key, value);
        }
        return this;
    }

    /** Appends stdout and stderr to {@code file} as they come. */
    public Command log(Path file) {
        log = file;
        return this;
    }

    /**
     * Calls {@code consumer} for each line of stdout and stderr as it comes, without its line end.
     * Calls come from other threads, one at a time. If one throws, the process is ended and the
     * exception rethrown.
     */
    public Command eachLine(Consumer<String> consumer) {
        eachLine = consumer;
        return this;
    }

    /** Ends the process and all it started after {@code limit}; the call then throws. */
    public Command timeout(Duration limit) {
        this.limit = limit;
        return this;
    }

    /** Confines it, on machines where that can be done: see {@link Sandbox#obstacle}. */
    public Command in(Sandbox confines) {
        this.sandbox = confines;
        return this;
    }

    /** What the process reads on stdin; without this its stdin is empty. */
    public Command input(byte[] stdin) {
        this.stdin = stdin.clone();
        return this;
    }

    /** Waits for the end and returns the exit value; 128 + n means killed by signal n. */
    public int run() {
        try (Output output = new Output(log, eachLine, false)) {
            return run(output);
        }
    }

    /**
     * Waits for the end.
     *
     * @throws InfrastructureException unless it exits with 0; names the command, the exit value,
     *     its last lines and the log
     */
    public void check() {
        try (Output output = new Output(log, eachLine, false)) {
            check(output);
        }
    }

    /** {@link #check()}, and returns stdout without the last line end. */
    public String output() {
        try (Output output = new Output(log, eachLine, true)) {
            check(output);
            return output.stdoutText();
        }
    }

    /**
     * Starts a process that is to run for long and returns as soon as it exists. It is killed when
     * the JVM ends, however that comes about. {@link #timeout} and {@link #input} work as
     * elsewhere.
     */
    public Running start() {
        Output output = new Output(log, eachLine, false);
        Launcher launcher = launcher(output, "KILL");
        CompletableFuture<Integer> exit = new CompletableFuture<>();
        Thread waiter =
                new Thread(
                        () -> {
                            try (output) {
                                exit.complete(execute(launcher, output));
                            } catch (Throwable t) {
                                launcher.started().completeExceptionally(t);
                                exit.completeExceptionally(t);
                            }
                        },
                        "wait-" + name());
        waiter.setDaemon(true);
        waiter.start();
        try {
            return new Child(launcher.started().join(), exit);
        } catch (CompletionException e) {
            if (e.getCause() instanceof InfrastructureException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /**
     * Has something done when the JVM ends, by itself or by a signal: before the processes are
     * ended that still run, so it may start others.
     */
    public static void beforeTheEnd(Runnable farewell) {
        Children.beforeTheEnd(farewell);
    }

    /** Where the program {@code name} is in {@code PATH}. */
    public static Optional<Path> find(String name) {
        for (String entry : System.getenv().getOrDefault("PATH", "/usr/bin:/bin").split(":", -1)) {
            Path file = Path.of(entry, name);
            if (Files.isExecutable(file) && Files.isRegularFile(file)) {
                return Optional.of(file);
            }
        }
        return Optional.empty();
    }

    /** The command as somebody could type it. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (String word : words) {
            boolean plain = word.matches("[\\w@%+=:,./-]+");
            text.append(text.length() == 0 ? "" : " ")
                    .append(plain ? word : "'" + word.replace("'", "'\\''") + "'");
        }
        return text.toString();
    }

    /** A process that is running, or was. Safe for use by several threads. */
    public interface Running {
        /** Its process id. */
        long pid();

        /** Completes with the exit value once the process is gone and its output read. */
        CompletableFuture<Integer> exit();

        /** Kills it and all it started, at once. Does nothing if it is gone. */
        void kill();
    }

    private record Child(Process process, CompletableFuture<Integer> exit) implements Running {
        @Override
        public long pid() {
            return process.pid();
        }

        @Override
        public void kill() {
            Children.kill(process);
        }
    }

    private int run(Output output) {
        return execute(launcher(output, "TERM"), output);
    }

    private void check(Output output) {
        int status = run(output);
        if (status == 0) {
            return;
        }
        String tail = output.tail();
        if (Disk.isFull(tail)) {
            throw Disk.full(
                    "`" + name() + "` failed", directory, new IOException(name() + ": " + tail));
        }
        throw new InfrastructureException(
                "`" + this + "` failed",
                "exit status "
                        + status
                        + (tail.isEmpty() ? "" : "\n" + tail.indent(4).stripTrailing()),
                log == null ? "in directory " + directory : "all of its output is in " + log);
    }

    /**
     * @param farewell the signal the kernel sends the child when the JVM is gone. TERM lets make(1)
     *     end its own children too, which KILL would leave behind.
     */
    private Launcher launcher(Output output, String farewell) {
        String program = words.get(0);
        boolean there =
                program.contains("/")
                        ? Files.isExecutable(directory.resolve(program))
                        : find(program).isPresent();
        if (!there) {
            throw new InfrastructureException(
                    "cannot run `" + this + "`",
                    "there is no program " + program + (program.contains("/") ? "" : " in PATH"),
                    "./lab doctor says which package is missing");
        }
        InputStream in = stdin == null ? null : new ByteArrayInputStream(stdin);
        Launcher launcher =
                new Launcher(
                        new PumpStreamHandler(output.stdout(), output.stderr(), in),
                        directory,
                        limit);
        launcher.prefix("setpriv", "--pdeathsig", farewell, "--");
        if (sandbox != null && Sandbox.obstacle().isEmpty()) {
            launcher.prefix(sandbox.words().toArray(String[]::new));
        }
        output.onTrouble(launcher::terminate);
        return launcher;
    }

    private int execute(Launcher launcher, Output output) {
        int status;
        try {
            status = launcher.execute(words, environment);
        } catch (IOException e) {
            throw Disk.failure("cannot run `" + this + "`", directory, e);
        }
        output.close();
        if (launcher.interrupted()) {
            Thread.currentThread().interrupt();
            throw new InfrastructureException(
                    "`" + this + "` was ended", "interrupted", "start it again");
        }
        if (launcher.timedOut()) {
            throw new InfrastructureException(
                    "`" + this + "` was ended",
                    ("no end within " + Progress.text(limit) + "\n" + output.tail().indent(4))
                            .stripTrailing(),
                    log == null ? "in directory " + directory : "all of its output is in " + log);
        }
        output.rethrow();
        return status;
    }

    private String name() {
        return Path.of(words.get(0)).getFileName().toString();
    }
}
