// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import dmabuflab.host.Command;
import dmabuflab.host.InfrastructureException;
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
}
