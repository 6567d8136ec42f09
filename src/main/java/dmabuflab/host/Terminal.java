// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jline.utils.Signals;

/**
 * The terminal that the lab was started on, passing on every byte until it is closed: no echo, no
 * lines, and Ctrl-C is a byte like any other. However the JVM ends, short of SIGKILL, it gets back
 * what it had.
 */
public final class Terminal implements AutoCloseable {
    private static final Pattern SIZE = Pattern.compile("(\\d+) (\\d+)");

    private String saved;

    /** A number of lines and of characters in each. */
    public record Size(int rows, int columns) {}

    private Terminal(String saved) {
        this.saved = saved;
    }

    /** Takes the terminal over. */
    public static Terminal raw() {
        Terminal terminal = new Terminal(stty("-g"));
        Command.beforeTheEnd(terminal::close);
        stty("raw", "-echo");
        return terminal;
    }

    /** Whether a file descriptor of this process is a terminal. */
    public static boolean is(int descriptor) {
        try {
            // System.console() looks at stdin and stdout together, and after Java 21 says yes to a
            // pipe.
            Path file = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor));
            return file.startsWith("/dev/pts") || file.toString().startsWith("/dev/tty");
        } catch (IOException e) {
            return false; // it is closed
        }
    }

    /** The name of its kind, "dumb" if that is not known. */
    public static String kind() {
        return System.getenv().getOrDefault("TERM", "dumb");
    }

    /** What this machine knows about terminals of that kind, in the format of ncurses. */
    public static Optional<Path> description() {
        String name = kind();
        if (!name.matches("[A-Za-z0-9][\\w.+-]*")) {
            return Optional.empty();
        }
        String home = System.getenv().getOrDefault("HOME", "/");
        return Stream.of(
                        System.getenv().getOrDefault("TERMINFO", "/etc/terminfo"),
                        home + "/.terminfo",
                        "/etc/terminfo",
                        "/lib/terminfo",
                        "/usr/share/terminfo")
                .map(directory -> Path.of(directory, name.substring(0, 1), name))
                .filter(Files::isReadable)
                .findFirst();
    }

    /** How large it is now; what it does not tell is 24 by 80. */
    public static Size size() {
        Matcher size = SIZE.matcher(stty("size"));
        if (!size.matches() || size.group(1).equals("0") || size.group(2).equals("0")) {
            return new Size(24, 80);
        }
        return new Size(Integer.parseInt(size.group(1)), Integer.parseInt(size.group(2)));
    }

    /** Has something done, in another thread, whenever the size has changed. */
    public static void onResize(Runnable action) {
        Signals.register("WINCH", action);
    }

    @Override
    public synchronized void close() {
        if (saved != null) {
            stty(saved);
            saved = null;
        }
    }

    /** Not on stdin, which is somebody else's in a child. */
    private static String stty(String... words) {
        return Command.of(
                        Stream.concat(Stream.of("stty", "-F", "/dev/tty"), List.of(words).stream())
                                .toList())
                .output();
    }
}
