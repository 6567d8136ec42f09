// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.InfrastructureException;
import dmabuflab.qemu.ConfigFile;
import dmabuflab.qemu.ConfigFile.Section;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The machine's empty root ports, given to devices from the first on. */
final class Ports {
    private static final int PORTS = 4;
    private static final long WIDE_BAR = 64L << 20;

    private final boolean[] used = new boolean[PORTS + 1];
    private int count;

    /**
     * A device with a place of its own.
     *
     * @param model the name of its description
     * @param memory host file behind its BAR, null when it has none
     * @param size of that file in bytes
     * @param sections what QEMU is told, ids and buses included
     * @param onBus whether it is on a bus that is no port of its own
     */
    record Placed(String model, Path memory, long size, List<Section> sections, boolean onBus) {
        /** Names of its devices in QEMU; the last is the main one. */
        List<String> devices() {
            return sections.stream().filter(Ports::isDevice).map(Section::id).toList();
        }
    }

    /**
     * Finds a place.
     *
     * @param devices where descriptions are
     * @param description name of one, with a size where it needs one
     * @param memory directory for the file behind its BAR
     */
    Placed place(Path devices, String description, Path memory) {
        String[] parts = description.split(":", 2);
        String name = parts[0] + count++;
        long size = parts.length > 1 ? bytes(parts[1]) : 0;
        Path bar = size > 0 ? memory.resolve(name + ".bar") : null;
        Map<String, String> variables = new HashMap<>();
        if (bar != null) {
            variables.put("file", bar.toString());
            variables.put("size", Long.toString(size));
        }
        ConfigFile file = ConfigFile.read(devices.resolve(parts[0] + ".cfg"), variables);
        boolean onBus =
                file.sections().stream().anyMatch(section -> section.values().containsKey("bus"));
        return new Placed(parts[0], bar, size, resolve(file, name, description, size), onBus);
    }

    private List<Section> resolve(ConfigFile file, String name, String description, long size) {
        List<Section> resolved = new ArrayList<>();
        Map<String, String> objects = new HashMap<>();
        long left = file.sections().stream().filter(Ports::isDevice).count();
        String slot = null;
        for (Section section : file.sections()) {
            Map<String, String> values = new LinkedHashMap<>();
            section.values()
                    .forEach((key, value) -> values.put(key, objects.getOrDefault(value, value)));
            String id = name + "-" + section.id();
            if (isDevice(section)) {
                if (!values.containsKey("bus")) {
                    slot = slot == null ? "slot" + free(description, size) : slot;
                    values.put("bus", slot);
                }
                id = --left == 0 ? name : id;
            } else {
                objects.put(section.id(), id);
            }
            resolved.add(new Section(section.type(), id, values));
        }
        return resolved;
    }

    static boolean isDevice(Section section) {
        return section.type().equals("device");
    }

    /** Large BARs fit behind the last port only; the others are taken in order. */
    private int free(String description, long size) {
        int first = size > WIDE_BAR ? PORTS : 1;
        for (int port = first; port <= PORTS; port++) {
            if (!used[port]) {
                used[port] = true;
                return port;
            }
        }
        throw new InfrastructureException(
                "no slot for " + description,
                "all root ports that could take it are in use",
                "add a pcie-root-port to the machine file");
    }

    private static long bytes(String size) {
        int unit = "KMG".indexOf(size.charAt(size.length() - 1));
        return unit < 0
                ? Long.parseLong(size)
                : Long.parseLong(size.substring(0, size.length() - 1)) << (10 * (unit + 1));
    }
}
