// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;

/**
 * What the build of a foreign source may do: no network, no other processes, the file system to
 * look at but not to change, and of homes and temporary files nothing but what it is given. Made by
 * bubblewrap. It keeps a build from what it has no business with; it does not make safe a user who
 * may do everything, nor a kernel that is open to attack.
 *
 * @param readable what it may read although it is in a home
 * @param writable what it may change
 */
public record Sandbox(List<Path> readable, List<Path> writable) {
    private static final String PROGRAM = "bwrap";

    /** In /run are the sockets of those who would do something on a user's behalf. */
    private static final List<String> HOMES = List.of("/home", "/root", "/tmp", "/var/tmp", "/run");

    private static final class Probe {
        static final String OBSTACLE = probe();
    }

    /** Why there is none on this machine, "" if there is. Asked once, and quick. */
    public static String obstacle() {
        return Probe.OBSTACLE;
    }

    private static String probe() {
        if (Command.find(PROGRAM).isEmpty()) {
            return "bubblewrap is not installed";
        }
        List<String> words = new ArrayList<>(new Sandbox(List.of(), List.of()).words());
        words.add("true");
        StringJoiner said = new StringJoiner(" ");
        int status = Command.of(words).in(Path.of("/")).eachLine(said::add).run();
        return status == 0 ? "" : "bubblewrap may not make namespaces here: " + said;
    }

    /** What comes in front of a command that is to run in it. */
    List<String> words() {
        List<String> words =
                new ArrayList<>(List.of(PROGRAM, "--die-with-parent", "--new-session"));
        // Of users only if it can be: root does without where nobody else may make namespaces.
        words.addAll(
                List.of("--unshare-user-try", "--unshare-net", "--unshare-pid", "--unshare-ipc"));
        words.addAll(List.of("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"));
        List<String> hidden = new ArrayList<>(HOMES);
        hidden.add(System.getenv().getOrDefault("HOME", "/root"));
        hidden.stream()
                .distinct()
                .filter(home -> Files.isDirectory(Path.of(home)))
                .forEach(home -> words.addAll(List.of("--tmpfs", home)));
        readable.forEach(path -> words.addAll(bind("--ro-bind", path)));
        writable.forEach(path -> words.addAll(bind("--bind", path)));
        words.add("--");
        return words;
    }

    private static List<String> bind(String how, Path path) {
        String absolute = path.toAbsolutePath().normalize().toString();
        return List.of(how, absolute, absolute);
    }
}
