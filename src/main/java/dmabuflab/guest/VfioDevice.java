// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A PCI device opened through its vfio cdev and bound to the guest's iommufd. */
public final class VfioDevice {
    /** A part of a BAR, both in bytes and page aligned. */
    public record Range(long offset, long length) {}

    private final Agent agent;
    private final String bdf;
    private final String name;

    private VfioDevice(Agent agent, String bdf, String name) {
        this.agent = agent;
        this.bdf = bdf;
        this.name = name;
    }

    /** Binds the device to vfio-pci and opens it, memory decoding and bus mastering on. */
    public static VfioDevice open(Agent agent, String bdf, String name) {
        agent.call("pci.bind", Map.of("bdf", bdf, "driver", "vfio-pci"));
        VfioDevice device = reopen(agent, bdf, name);
        agent.call("vfio.command", Map.of("dev", name, "memory", 1, "master", 1));
        return device;
    }

    /** Opens a device that vfio-pci already has, without touching its COMMAND register. */
    public static VfioDevice reopen(Agent agent, String bdf, String name) {
        agent.call("vfio.open", Map.of("bdf", bdf, "name", name));
        return new VfioDevice(agent, bdf, name);
    }

    public String bdf() {
        return bdf;
    }

    public String name() {
        return name;
    }

    /** Exports ranges of a BAR, in this order, as one dma-buf. */
    public DmaBuf export(int bar, List<Range> ranges, String bufferName) {
        agent.call("dmabuf.export", exportArguments(bar, ranges, bufferName));
        return new DmaBuf(agent, bufferName);
    }

    /** Exports where the kernel is expected to refuse, or may. */
    public Answer tryExport(int bar, List<Range> ranges, String bufferName) {
        return agent.attempt("dmabuf.export", exportArguments(bar, ranges, bufferName));
    }

    private Map<String, ?> exportArguments(int bar, List<Range> ranges, String bufferName) {
        return Map.of(
                "dev",
                name,
                "bar",
                bar,
                "name",
                bufferName,
                "ranges",
                ranges.stream()
                        .map(r -> Map.of("offset", r.offset(), "length", r.length()))
                        .collect(Collectors.toList()));
    }

    /** Sets or clears COMMAND.MEM: the revoke and un-revoke every driver knows. */
    public void memory(boolean enabled) {
        agent.call("vfio.command", Map.of("dev", name, "memory", enabled ? 1 : 0));
    }

    /** VFIO_DEVICE_RESET. */
    public void reset() {
        agent.call("vfio.reset", Map.of("dev", name));
    }

    /** Writes a BAR from the CPU. */
    public void write(int bar, long offset, String hexadecimal) {
        agent.call(
                "vfio.write",
                Map.of("dev", name, "bar", bar, "offset", offset, "data", hexadecimal));
    }

    public void attach(Ioas ioas) {
        agent.call("vfio.attach", Map.of("dev", name, "ioas", ioas.name()));
    }

    public void close() {
        agent.call("vfio.close", Map.of("name", name));
    }
}
