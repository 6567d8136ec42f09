// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Tells on stderr how far a slow task is: a bar on a terminal, elsewhere a line every ten seconds
 * and at each change of phase. Safe for use by several threads.
 */
public final class Progress implements AutoCloseable {

    private static final long LINE_EVERY_SECONDS = 10;

    private final String task;
    private final Optional<Duration> lastTime;
    private final long begin = System.nanoTime();
    private final PrintStream out;
    private final ProgressBar bar;
    private final ScheduledExecutorService lines;
    private String phase = "";
    private long done;
    private long total;
    private boolean closed;

    private Progress(String task, Optional<Duration> lastTime, PrintStream out, boolean terminal) {
        this.task = task;
        this.lastTime = lastTime;
        this.out = out;
        if (terminal) {
            bar =
                    new ProgressBarBuilder()
                            .setTaskName(task)
                            .setInitialMax(-1)
                            .setStyle(ProgressBarStyle.ASCII)
                            .setUpdateIntervalMillis(200)
                            .clearDisplayOnFinish()
                            .build();
            lines = null;
        } else {
            bar = null;
            lines =
                    Executors.newSingleThreadScheduledExecutor(
                            job -> {
                                Thread thread = new Thread(job, "progress");
                                thread.setDaemon(true);
                                return thread;
                            });
            var unused =
                    lines.scheduleAtFixedRate(
                            this::print, LINE_EVERY_SECONDS, LINE_EVERY_SECONDS, TimeUnit.SECONDS);
        }
    }

    /**
     * Begins to show a task.
     *
     * @param task what is being done, a few words
     * @param lastTime how long it took the last time, if known
     */
    public static Progress begin(String task, Optional<Duration> lastTime) {
        return new Progress(task, lastTime, System.err, stderrIsTerminal());
    }

    static Progress lines(String task, Optional<Duration> lastTime, PrintStream out) {
        return new Progress(task, lastTime, out, false);
    }

    /** A new part of the task begins; counting starts again. */
    public void phase(String what) {
        synchronized (this) {
            phase = what;
            done = 0;
            total = 0;
        }
        if (bar == null) {
            print();
        } else {
            bar.setExtraMessage(what + hint());
            bar.maxHint(-1);
            bar.stepTo(0);
        }
    }

    /**
     * Tells how far the phase is.
     *
     * @param done how much of the phase is done
     * @param total of how much; 0 if not known; 100 reads as percent
     */
    public void step(long done, long total) {
        synchronized (this) {
            this.done = done;
            this.total = total;
        }
        if (bar != null) {
            bar.maxHint(total > 0 ? Math.max(done, total) : -1);
            bar.stepTo(done);
        }
    }

    /** Ends the display; says how long the task took. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        if (bar != null) {
            bar.close();
        } else {
            lines.shutdownNow();
        }
        out.println(task + ": took " + text(elapsed()));
    }

    /** {@code duration} as people write it: 0.8s, 42s, 6m20s, 1h05m. */
    public static String text(Duration duration) {
        long seconds = duration.toSeconds();
        if (seconds < 10) {
            return String.format(Locale.ROOT, "%.1fs", duration.toMillis() / 1000.0);
        }
        if (seconds < 60) {
            return seconds + "s";
        }
        if (seconds < 3600) {
            return String.format(Locale.ROOT, "%dm%02ds", seconds / 60, seconds % 60);
        }
        return String.format(Locale.ROOT, "%dh%02dm", seconds / 3600, seconds / 60 % 60);
    }

    private void print() {
        out.println(line());
    }

    synchronized String line() {
        StringBuilder line = new StringBuilder(task).append(": ").append(phase);
        if (total == 100) {
            line.append(", ").append(done).append('%');
        } else if (done > 0) {
            line.append(", ").append(done);
            if (total > 0) {
                line.append(" of ").append(Math.max(done, total));
            }
        }
        return line.append(", ").append(text(elapsed())).append(hint()).toString();
    }

    private String hint() {
        return lastTime.map(time -> " (last time " + text(time) + ")").orElse("");
    }

    private Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - begin);
    }

    private static boolean stderrIsTerminal() {
        return Terminal.is(2) && !Terminal.kind().equals("dumb");
    }
}
