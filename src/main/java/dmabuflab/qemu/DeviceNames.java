// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import dmabuflab.host.Disk;
import dmabuflab.host.ProjectFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The devices that can be plugged in: files in qemu/devices, some of which need a size. */
public final class DeviceNames {
    private static final String SUFFIX = ".cfg";

    private final Path descriptions;

    public DeviceNames(ProjectFiles project) {
        descriptions = project.qemu().resolve("devices");
    }

    /**
     * What is wrong with a device as a person would name it, {@code ivshmem:16M}; "" if nothing.
     */
    public String problem(String device) {
        if (!device.matches("[\\w.-]+(:[1-9][0-9]*[KMG]?)?")) {
            return "a device is NAME or NAME:SIZE, as in ivshmem:16M, not " + device;
        }
        String name = device.split(":", 2)[0];
        Path description = descriptions.resolve(name + SUFFIX);
        if (!Files.exists(description)) {
            return "there is no device " + name + ", only " + all();
        } else if (needsSize(description) == device.contains(":")) {
            return "";
        }
        return device.contains(":")
                ? name + " has no memory, so no size"
                : name + " needs a size, as in " + name + ":16M";
    }

    private static boolean needsSize(Path description) {
        try {
            return Files.readString(description).contains("\"${size}\"");
        } catch (IOException e) {
            throw Disk.failure("cannot read " + description, description, e);
        }
    }

    private String all() {
        try (Stream<Path> files = Files.list(descriptions)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(SUFFIX))
                    .map(name -> name.substring(0, name.length() - SUFFIX.length()))
                    .sorted()
                    .collect(Collectors.joining(", "));
        } catch (IOException e) {
            throw Disk.failure("cannot read " + descriptions, descriptions, e);
        }
    }
}
