// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.Disk;
import dmabuflab.host.Terminal;
import dmabuflab.qemu.ShellScript;
import dmabuflab.scenario.HardwareView;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Keeps looking at a guest from outside, and has a file say what there is to see: in a pane of its
 * own if the terminal is one of tmux, otherwise by a line to type elsewhere. The pane is closed
 * with this.
 */
final class Monitor implements AutoCloseable {
    private static final long PAUSE_MILLIS = 250;
    private static final Pattern SIZE = Pattern.compile("(\\d{1,4}) (\\d{1,4})\\s*");

    /** From here on there is room for two beside each other. */
    private static final int WIDE = 160;

    private static final String SHOW =
            """
            # Shows what a guest looks like from outside, as long as it is there; q ends it.
            cd "$(dirname "$0")" || exit
            tell_size() { stty size >size; } # the view is made to fit
            exec 2>/dev/null
            trap tell_size WINCH
            tell_size
            trap 'printf "\\e[?25h\\e[?1049l"' EXIT
            printf '\\e[?1049h\\e[?25l'
            while [[ -e /proc/PID ]] && view=$(<view); do
                if [[ $view != "$shown" ]]; then
                    printf '\\e[H%s\\e[K\\e[J' "${view//$'\\n'/$'\\e[K\\n'}"
                    shown=$view
                fi
                read -rsn 1 -t 0.2 key
                (($? == 1)) && break # nobody is there
                [[ $key == q ]] && break
            done
            exit 0
            """;

    private final HardwareView hardware;
    private final Path directory;
    private final ScheduledExecutorService looks =
            Executors.newSingleThreadScheduledExecutor(
                    work -> {
                        Thread thread = new Thread(work, "monitor");
                        thread.setDaemon(true);
                        return thread;
                    });
    private MonitorView view;
    private List<String> written = List.of();
    private Optional<Pane> pane = Optional.empty();
    private boolean closed;

    /**
     * @param hardware is closed with this
     * @param title a line about the guest
     * @param logs where the file goes
     */
    Monitor(HardwareView hardware, String title, Path logs) {
        this.hardware = hardware;
        this.view = MonitorView.of(title);
        this.directory = logs.resolve("monitor");
    }

    /** Begins to look, and shows the view or says how to see it. */
    void show(PrintWriter out) {
        Path script = directory.resolve("show");
        try {
            Files.createDirectory(directory);
            Files.writeString(
                    script, SHOW.replace("PID", Long.toString(ProcessHandle.current().pid())));
            look();
        } catch (IOException e) {
            throw Disk.failure("cannot write a view of the guest", directory, e);
        }
        var unused =
                looks.scheduleWithFixedDelay(
                        this::lookAgain, PAUSE_MILLIS, PAUSE_MILLIS, TimeUnit.MILLISECONDS);
        String command = "bash " + ShellScript.quote(script.toString());
        if (!Pane.possible()) {
            out.println("monitor: to see it, in another terminal: " + command);
            out.flush();
        } else if (Terminal.size().columns() >= WIDE) {
            pane = Optional.of(Pane.open(command, "-h", "-d"));
        } else {
            pane = Optional.of(Pane.open(command, "-v", "-d", "-l", "65%"));
        }
    }

    private synchronized void lookAgain() {
        try {
            if (!closed) {
                lookOrTell();
            }
        } catch (IOException e) {
            // Ends this, and tells nobody who works in the guest: the view stays as it was.
            throw new UncheckedIOException(e);
        }
    }

    private void lookOrTell() throws IOException {
        try {
            look();
        } catch (RuntimeException e) {
            closed = true;
            write(List.of("the monitor has ended, by a defect of the lab: " + e));
        }
    }

    private void look() throws IOException {
        view = view.next(hardware.look(), Instant.now());
        write(view.lines(size(), ZoneId.systemDefault()));
    }

    private void write(List<String> lines) throws IOException {
        if (!lines.equals(written)) {
            Path fresh = directory.resolve("view.new");
            Files.write(fresh, lines);
            Files.move(fresh, directory.resolve("view"), StandardCopyOption.ATOMIC_MOVE);
            written = lines;
        }
    }

    /** Of the terminal that shows it, as the script there has told. */
    private Terminal.Size size() throws IOException {
        Path told = directory.resolve("size");
        Matcher size = SIZE.matcher(Files.exists(told) ? Files.readString(told) : "");
        return size.matches()
                ? new Terminal.Size(
                        Integer.parseInt(size.group(1)), Integer.parseInt(size.group(2)))
                : new Terminal.Size(24, 80);
    }

    @Override
    public void close() {
        looks.shutdown();
        pane.ifPresent(Pane::close);
        // A look that is taken now is not interrupted: its question to QEMU would stay half asked.
        synchronized (this) {
            closed = true;
            hardware.close();
        }
    }
}
