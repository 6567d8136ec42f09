// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import dmabuflab.host.Command;
import dmabuflab.host.InfrastructureException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The QEMU of this machine.
 *
 * @param program as found on the PATH
 * @param version full version line, distribution suffix included: part of every snapshot's key
 */
public record QemuBinary(String program, String version) {
    private static final String PROGRAM = "qemu-system-x86_64";

    /**
     * @throws InfrastructureException when it is not installed
     */
    public static QemuBinary find() {
        return new QemuBinary(
                PROGRAM, Command.of(PROGRAM, "--version").output().lines().findFirst().orElse(""));
    }

    /** Names of all device models built into this binary. */
    public Set<String> devices() {
        Set<String> names = new TreeSet<>();
        Matcher name =
                Pattern.compile("(?m)^name \"([^\"]+)\"")
                        .matcher(Command.of(program, "-device", "help").output());
        while (name.find()) {
            names.add(name.group(1));
        }
        return names;
    }

    /**
     * Why it does not record and replay what such a machine does, in its own words.
     *
     * @param descriptions of the machine, as for {@code -readconfig}
     * @return "" if it would
     */
    public String obstacleToRecording(List<Path> descriptions) {
        List<String> words = new ArrayList<>(List.of(program, "-nodefaults", "-display", "none"));
        descriptions.forEach(each -> words.addAll(List.of("-readconfig", each.toString())));
        words.addAll(List.of("-accel", "tcg", "-cpu", "max", "-S"));
        words.addAll(List.of("-icount", "shift=auto,rr=record,rrfile=/dev/null"));
        words.addAll(List.of("-chardev", "null,id=agent", "-monitor", "stdio"));
        String prefix = program + ": ";
        List<String> said = new ArrayList<>();
        int status =
                Command.of(words)
                        .input("quit\n".getBytes(StandardCharsets.US_ASCII))
                        .eachLine(said::add)
                        .run();
        // Not what its monitor says.
        said.removeIf(line -> !line.startsWith(prefix));
        return status == 0
                ? ""
                : "status " + status + " " + String.join(" ", said).replace(prefix, "");
    }
}
