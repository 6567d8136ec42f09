// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.guest.Ports.Placed;
import dmabuflab.qemu.ConfigFile.Section;
import dmabuflab.qemu.PciDevice;
import dmabuflab.qemu.QemuProcess;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Plugs devices into a running guest. */
final class Slots {
    private final Guest guest;
    private final Ports ports = new Ports();

    Slots(Guest guest) {
        this.guest = guest;
    }

    PluggedDevice plug(Path devices, String description, Path scratch) {
        Placed placed = ports.place(devices, description, scratch);
        if (placed.memory() != null) {
            QemuProcess.vanishesWithUs(placed.memory());
        }
        placed.sections().forEach(this::execute);
        if (placed.onBus()) {
            // A bus that is no port of its own tells nobody of what is plugged into it.
            guest.agent().call("pci.rescan", Map.of());
        }
        List<PciDevice> seen = placed.devices().stream().map(this::await).toList();
        int main = seen.size() - 1;
        return new PluggedDevice(
                placed.model(),
                seen.get(main),
                placed.memory(),
                placed.size(),
                seen.subList(0, main));
    }

    private void execute(Section section) {
        Map<String, Object> arguments = new LinkedHashMap<>();
        section.values().forEach((key, value) -> arguments.put(key, typed(value)));
        if (section.type().equals("drive")) {
            // "none" there: else the file format gives the drive to a slot of its own.
            arguments.remove("if");
            arguments.put("node-name", section.id());
            guest.qmp().execute("blockdev-add", arguments);
        } else {
            arguments.put("id", section.id());
            guest.qmp().execute(Ports.isDevice(section) ? "device_add" : "object-add", arguments);
        }
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
