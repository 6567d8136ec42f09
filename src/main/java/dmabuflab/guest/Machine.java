// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.qemu.ConfigFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A machine that guests boot on.
 *
 * @param descriptions files in QEMU's -readconfig format; the first is a machine by itself
 * @param kernelWords what this machine adds to the kernel's command line, "" for nothing
 */
public record Machine(List<Path> descriptions, String kernelWords) {

    /**
     * Reads {@code qemu/machines/NAME.cfg} and, if there is one, {@code NAME.cmdline}.
     *
     * @param builtIn what else is in it: names of files in {@code qemu/builtin}
     * @throws InfrastructureException when there is no such machine
     */
    public static Machine named(ProjectFiles project, String name, List<String> builtIn) {
        Path machines = project.qemu().resolve("machines");
        List<Path> descriptions = new ArrayList<>(List.of(machines.resolve(name + ".cfg")));
        builtIn.forEach(
                each -> descriptions.add(project.qemu().resolve("builtin").resolve(each + ".cfg")));
        for (Path description : descriptions) {
            if (!Files.exists(description)) {
                throw new InfrastructureException(
                        "cannot describe the machine " + name,
                        description + " does not exist",
                        "is the checkout complete?");
            }
        }
        Path words = machines.resolve(name + ".cmdline");
        try {
            return new Machine(
                    List.copyOf(descriptions),
                    Files.exists(words) ? Files.readString(words).strip() : "");
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot read " + words, e.toString(), "is the checkout complete?", e);
        }
    }

    /** Every device model of QEMU that it takes. */
    public Set<String> drivers() {
        Set<String> drivers = new TreeSet<>();
        descriptions.forEach(each -> drivers.addAll(ConfigFile.read(each, Map.of()).drivers()));
        return drivers;
    }
}
