// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.StringJoiner;
import java.util.function.Consumer;
import org.apache.commons.exec.LogOutputStream;

/**
 * The lines of one process: to the log, to the caller, the last ones kept for an error message.
 *
 * <p>Nothing here may throw into the threads that pump: one that dies stops reading, and the
 * process then blocks on a full pipe for ever. Trouble is kept, the process is ended, and the
 * thread that waits for it throws.
 */
final class Output implements AutoCloseable {

    private static final int TAIL_LINES = 20;

    private final Path log;
    private final OutputStream logStream;
    private final Consumer<String> eachLine;
    private final StringJoiner text = new StringJoiner("\n");
    private final Deque<String> tail = new ArrayDeque<>();
    private final LogOutputStream stdout;
    private final LogOutputStream stderr = new Lines(false);
    private Runnable onTrouble = () -> {};
    private Throwable trouble;

    Output(Path log, Consumer<String> eachLine, boolean keepStdout) {
        this.log = log;
        this.logStream = log == null ? OutputStream.nullOutputStream() : open(log);
        this.eachLine = eachLine;
        this.stdout = new Lines(keepStdout);
    }

    private static OutputStream open(Path log) {
        try {
            return new BufferedOutputStream(
                    Files.newOutputStream(
                            log, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
        } catch (IOException e) {
            throw Disk.failure("cannot write a log", log, e);
        }
    }

    OutputStream stdout() {
        return stdout;
    }

    OutputStream stderr() {
        return stderr;
    }

    /** What to do, once, when a line cannot be taken. */
    synchronized void onTrouble(Runnable action) {
        onTrouble = action;
    }

    synchronized String stdoutText() {
        return text.toString();
    }

    /** The last lines of stdout and stderr together. */
    synchronized String tail() {
        return String.join("\n", tail);
    }

    /** Throws what a line ran into, if any did. */
    synchronized void rethrow() {
        if (trouble instanceof IOException e) {
            throw Disk.failure("cannot write the log " + log, log, e);
        }
        if (trouble instanceof RuntimeException e) {
            throw e;
        }
        if (trouble instanceof Error e) {
            throw e;
        }
    }

    /** Hands on a last line without an end, closes the log. May be called again. */
    @Override
    public void close() {
        try {
            stdout.close();
            stderr.close();
            logStream.close();
        } catch (IOException e) {
            fail(e);
        }
    }

    private synchronized void accept(String line, boolean keep) {
        tail.addLast(line);
        if (tail.size() > TAIL_LINES) {
            tail.removeFirst();
        }
        if (keep) {
            text.add(line);
        }
        if (trouble != null) {
            return;
        }
        try {
            logStream.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            logStream.flush();
            eachLine.accept(line);
        } catch (IOException | RuntimeException | Error e) {
            fail(e);
        }
    }

    private synchronized void fail(Throwable e) {
        if (trouble == null) {
            trouble = e;
            onTrouble.run();
        }
    }

    private final class Lines extends LogOutputStream {
        private final boolean keep;

        Lines(boolean keep) {
            super(0, StandardCharsets.UTF_8);
            this.keep = keep;
        }

        @Override
        protected void processLine(String line, int level) {
            accept(line, keep);
        }
    }
}
