// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.InfrastructureException;
import dmabuflab.qemu.ConfigFile;
import dmabuflab.qemu.ConfigFile.Section;
import dmabuflab.qemu.PciDevice;
import dmabuflab.qemu.QemuProcess;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The machine's empty root ports, filled from the first on. */
final class Slots {
    private static final int PORTS = 4;
    private static final long WIDE_BAR = 64L << 20;

    private final Guest guest;
    private final boolean[] used = new boolean[PORTS + 1];
    private int count;

    Slots(Guest guest) {
        this.guest = guest;
    }

    PluggedDevice plug(Path devices, String description, Path scratch) {
        String[] parts = description.split(":", 2);
        String model = parts[0];
        String name = model + count++;
        long size = parts.length > 1 ? bytes(parts[1]) : 0;
        Path memory = size > 0 ? scratch.resolve(name + ".bar") : null;
        Map<String, String> variables = new HashMap<>();
        if (memory != null) {
            QemuProcess.vanishesWithUs(memory);
            variables.put("file", memory.toString());
            variables.put("size", Long.toString(size));
        }
        ConfigFile file = ConfigFile.read(devices.resolve(model + ".cfg"), variables);
        List<String> added = add(file, name, description, size);
        if (file.sections().stream().anyMatch(section -> section.values().containsKey("bus"))) {
            // A bus that is no port of its own tells nobody of what is plugged into it.
            guest.agent().call("pci.rescan", Map.of());
        }
        List<PciDevice> seen = added.stream().map(this::await).toList();
        int main = seen.size() - 1;
        return new PluggedDevice(model, seen.get(main), memory, size, seen.subList(0, main));
    }

    /**
     * Adds what a file describes and returns the names of its devices; the last is the main one.
     */
    private List<String> add(ConfigFile file, String name, String description, long size) {
        List<String> added = new ArrayList<>();
        Map<String, String> objects = new HashMap<>();
        long devices = file.sections().stream().filter(Slots::isDevice).count();
        String slot = null;
        for (Section section : file.sections()) {
            Map<String, Object> arguments = new LinkedHashMap<>();
            section.values()
                    .forEach((key, value) -> arguments.put(key, typed(objects.get(value), value)));
            String id = name + "-" + section.id();
            if (isDevice(section)) {
                if (!arguments.containsKey("bus")) {
                    slot = slot == null ? "slot" + free(description, size) : slot;
                    arguments.put("bus", slot);
                }
                id = added.size() == devices - 1 ? name : id;
                added.add(id);
            } else {
                objects.put(section.id(), id);
            }
            execute(section.type(), id, arguments);
        }
        return added;
    }

    private void execute(String type, String id, Map<String, Object> arguments) {
        if (type.equals("drive")) {
            // "none" there: else the file format gives the drive to a slot of its own.
            arguments.remove("if");
            arguments.put("node-name", id);
            guest.qmp().execute("blockdev-add", arguments);
        } else {
            arguments.put("id", id);
            guest.qmp().execute(type.equals("device") ? "device_add" : "object-add", arguments);
        }
    }

    private static boolean isDevice(Section section) {
        return section.type().equals("device");
    }

    /** Waits until the guest has the device, where QEMU says it is. */
    private PciDevice await(String id) {
        PciDevice plugged = PciDevice.find(guest.qmp(), id);
        guest.agent()
                .call(
                        "pci.wait",
                        Map.of(
                                "bdf",
                                plugged.bdf(),
                                "vendor",
                                plugged.vendor(),
                                "device",
                                plugged.device(),
                                "timeout_ms",
                                guest.scale().silence().toMillis() / 2));
        return PciDevice.find(guest.qmp(), id);
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

    /** QMP wants numbers and booleans where a config file has text; an object goes by its name. */
    private static Object typed(String object, String value) {
        if (object != null) {
            return object;
        }
        if (value.equals("on") || value.equals("off")) {
            return value.equals("on");
        }
        if (value.matches("0x[0-9a-fA-F]+")) {
            return new BigInteger(value.substring(2), 16);
        }
        return value.matches("[0-9]+") ? new BigInteger(value) : (Object) value;
    }
}
