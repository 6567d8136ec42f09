// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.commons.exec.CommandLine;
import org.apache.commons.exec.DefaultExecutor;
import org.apache.commons.exec.ExecuteStreamHandler;
import org.apache.commons.exec.Executor;

/** One run of one process; adds to Commons Exec where it forks from and how it is ended. */
final class Launcher {

    private final Exec exec;
    private final Duration limit;
    private final CompletableFuture<Process> started = new CompletableFuture<>();
    private final List<String> prefix = new ArrayList<>();
    private volatile boolean timedOut;
    private boolean interrupted;

    Launcher(ExecuteStreamHandler streams, Path directory, Duration limit) {
        this.exec = new Exec(directory);
        this.limit = limit;
        exec.setStreamHandler(streams);
        exec.setExitValues(null); // any status is an answer, not an exception
    }

    /** Words in front of the command. */
    void prefix(String... words) {
        prefix.addAll(List.of(words));
    }

    /** Starts the process, waits for it and for the end of its output, returns its exit value. */
    int execute(List<String> words, Map<String, String> environment) throws IOException {
        List<String> all = new ArrayList<>(prefix);
        all.addAll(words);
        CommandLine line = new CommandLine(all.get(0));
        all.subList(1, all.size()).forEach(word -> line.addArgument(word, false));
        try {
            int status = exec.execute(line, environment);
            interrupted = status == Executor.INVALID_EXITVALUE;
            return status;
        } finally {
            if (started.isDone() && !started.isCompletedExceptionally()) {
                Process process = started.join();
                if (interrupted) {
                    Children.terminate(process);
                }
                Children.forget(process);
            }
        }
    }

    /** Completes once the process exists. */
    CompletableFuture<Process> started() {
        return started;
    }

    boolean timedOut() {
        return timedOut;
    }

    boolean interrupted() {
        return interrupted;
    }

    /** Ends the process as soon as it exists, without waiting for that. */
    void terminate() {
        var unused = started.thenAcceptAsync(Children::terminate);
    }

    private final class Exec extends DefaultExecutor {

        @SuppressWarnings("deprecation") // the builder cannot make a subclass
        Exec(Path directory) {
            setWorkingDirectory(directory.toFile());
        }

        @Override
        protected Process launch(CommandLine command, Map<String, String> env, Path directory)
                throws IOException {
            Process process = Children.launch(() -> super.launch(command, env, directory));
            started.complete(process);
            if (limit != null) {
                var unused =
                        process.onExit()
                                .orTimeout(limit.toNanos(), TimeUnit.NANOSECONDS)
                                .whenCompleteAsync(
                                        (exited, late) -> {
                                            if (late != null) {
                                                timedOut = true;
                                                Children.terminate(process);
                                            }
                                        });
            }
            return process;
        }
    }
}
