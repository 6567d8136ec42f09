// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.InfrastructureException;
import dmabuflab.qemu.ConfigFile;
import dmabuflab.qemu.ConfigFile.Section;
import dmabuflab.qemu.PciDevice;
import dmabuflab.qemu.QemuProcess;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
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
        String id = model + count++;
        long size = parts.length > 1 ? bytes(parts[1]) : 0;
        Path memory = size > 0 ? scratch.resolve(id + ".bar") : null;
        Map<String, String> variables = new HashMap<>();
        if (memory != null) {
            QemuProcess.vanishesWithUs(memory);
            variables.put("file", memory.toString());
            variables.put("size", Long.toString(size));
        }
        String slot = "slot" + free(description, size);
        for (Section section :
                ConfigFile.read(devices.resolve(model + ".cfg"), variables).sections()) {
            boolean device = section.type().equals("device");
            Map<String, Object> arguments = new LinkedHashMap<>();
            section.values().forEach((key, value) -> arguments.put(key, typed(value)));
            arguments.put("id", device ? id : id + "-" + section.id());
            if (device) {
                arguments.put("bus", slot);
                arguments.computeIfPresent("memdev", (key, name) -> id + "-" + name);
            }
            guest.qmp().execute(device ? "device_add" : "object-add", arguments);
        }
        PciDevice plugged = PciDevice.find(guest.qmp(), id);
        Answer seen =
                guest.agent()
                        .call(
                                "pci.wait",
                                Map.of(
                                        "slot",
                                        PciDevice.find(guest.qmp(), slot).bdf(),
                                        "vendor",
                                        plugged.vendor(),
                                        "device",
                                        plugged.device(),
                                        "timeout_ms",
                                        guest.scale().silence().toMillis() / 2));
        PciDevice hardware = PciDevice.find(guest.qmp(), id);
        if (!seen.text("bdf").equals(hardware.bdf())) {
            throw new InfrastructureException(
                    "the guest found another device than was plugged",
                    seen.text("bdf") + " instead of " + hardware.bdf(),
                    "look at console.log");
        }
        return new PluggedDevice(model, hardware, memory, size);
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

    /** QMP wants numbers and booleans where a config file has text. */
    private static Object typed(String value) {
        if (value.equals("on") || value.equals("off")) {
            return value.equals("on");
        }
        if (value.matches("0x[0-9a-fA-F]+")) {
            return new BigInteger(value.substring(2), 16);
        }
        return value.matches("[0-9]+") ? new BigInteger(value) : (Object) value;
    }
}
