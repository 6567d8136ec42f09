// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import dmabuflab.host.InfrastructureException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A PCI device as QEMU's device model sees it: the hardware's own word on where its BARs are.
 *
 * @param id the name given to it when it was plugged
 * @param bus bus number the guest assigned
 * @param slot device number, 0 to 31
 * @param function 0 to 7
 * @param bars start address by BAR index, memory BARs that are decoded only
 */
public record PciDevice(
        String id,
        int vendor,
        int device,
        int bus,
        int slot,
        int function,
        Map<Integer, Bar> bars) {

    /** A decoded memory BAR: guest physical address and size in bytes. */
    public record Bar(long start, long size) {}

    /** Finds a device by its id in the answer of QMP's {@code query-pci}, bridges included. */
    public static PciDevice find(Qmp qmp, String id) {
        JsonNode device = search(qmp.execute("query-pci"), id);
        if (device == null) {
            throw new InfrastructureException(
                    "QEMU has no PCI device " + id,
                    "query-pci does not list it",
                    "was it plugged, and is its bridge enumerated?");
        }
        Map<Integer, Bar> bars = new LinkedHashMap<>();
        for (JsonNode region : device.path("regions")) {
            long address = region.path("address").asLong();
            if (region.path("type").asText().equals("memory") && address != -1) {
                bars.put(
                        region.path("bar").asInt(), new Bar(address, region.path("size").asLong()));
            }
        }
        return new PciDevice(
                id,
                device.path("id").path("vendor").asInt(),
                device.path("id").path("device").asInt(),
                device.path("bus").asInt(),
                device.path("slot").asInt(),
                device.path("function").asInt(),
                bars);
    }

    /** The address as Linux writes it, for instance {@code 0000:01:00.0}. */
    public String bdf() {
        return String.format("0000:%02x:%02x.%x", bus, slot, function);
    }

    private static JsonNode search(JsonNode tree, String id) {
        if (tree.path("qdev_id").asText().equals(id)) {
            return tree;
        }
        for (JsonNode child : tree) {
            JsonNode found = child.isContainerNode() ? search(child, id) : null;
            if (found != null) {
                return found;
            }
        }
        return null;
    }
}
