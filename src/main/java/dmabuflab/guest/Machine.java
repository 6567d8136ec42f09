// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.qemu.ConfigFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/**
 * A machine that guests boot on.
 *
 * @param description a file in QEMU's -readconfig format
 * @param kernelWords what this machine adds to the kernel's command line, "" for nothing
 */
public record Machine(Path description, String kernelWords) {

    /**
     * Reads {@code qemu/machines/NAME.cfg} and, if there is one, {@code NAME.cmdline}.
     *
     * @throws InfrastructureException when there is no such machine
     */
    public static Machine named(ProjectFiles project, String name) {
        Path machines = project.qemu().resolve("machines");
        Path description = machines.resolve(name + ".cfg");
        Path words = machines.resolve(name + ".cmdline");
        if (!Files.exists(description)) {
            throw new InfrastructureException(
                    "there is no machine " + name,
                    description + " does not exist",
                    "is the checkout complete?");
        }
        try {
            return new Machine(
                    description, Files.exists(words) ? Files.readString(words).strip() : "");
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot read " + words, e.toString(), "is the checkout complete?", e);
        }
    }

    /** Every device model of QEMU that it takes. */
    public Set<String> drivers() {
        return ConfigFile.read(description, Map.of()).drivers();
    }
}
