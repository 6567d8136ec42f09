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

    /**
     * How it can be made here.
     *
     * @param more words of bubblewrap that it takes
     * @param obstacle why it cannot, "" if it can
     */
    private record Way(List<String> more, String obstacle) {}

    private static final class Probe {
        static final Way FOUND = probe();
    }

    /** Why there is none on this machine, "" if there is. Asked once, and quick. */
    public static String obstacle() {
        return Probe.FOUND.obstacle();
    }

    private static Way probe() {
        if (Command.find(PROGRAM).isEmpty()) {
            return new Way(List.of(), "bubblewrap is not installed");
        }
        Way asItIs = new Way(List.of(), obstacle(List.of()));
        if (asItIs.obstacle().isEmpty()) {
            return asItIs;
        }
        // Root without its privileges, as in a container, can when it is root of its own users.
        List<String> ofUsers = List.of("--unshare-user");
        return obstacle(ofUsers).isEmpty() ? new Way(ofUsers, "") : asItIs;
    }

    private static String obstacle(List<String> more) {
        List<String> words = new ArrayList<>(new Sandbox(List.of(), List.of()).words(more));
        words.add("true");
        StringJoiner said = new StringJoiner(" ");
        int status = Command.of(words).in(Path.of("/")).eachLine(said::add).run();
        return status == 0 ? "" : "bubblewrap may not make namespaces here: " + said;
    }

    /** What comes in front of a command that is to run in it. */
    List<String> words() {
        return words(Probe.FOUND.more());
    }

    private List<String> words(List<String> more) {
        List<String> words =
                new ArrayList<>(List.of(PROGRAM, "--die-with-parent", "--new-session"));
        words.addAll(more);
        words.addAll(List.of("--unshare-net", "--unshare-pid", "--unshare-ipc"));
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
