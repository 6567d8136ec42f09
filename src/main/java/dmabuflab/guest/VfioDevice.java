// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A PCI device opened through its vfio cdev and bound to the guest's iommufd. */
public final class VfioDevice {
    /** What is no BAR but is accessed as one: the expansion ROM. */
    public static final int ROM = 6;

    /** Legacy VGA memory and ports, at the addresses that all such devices have. */
    public static final int VGA = 8;

    /** A region's flag: its memory is for one virtual machine only. The series adds it. */
    public static final long REGION_PRIVATE = 1 << 4;

    /** A part of a BAR, both in bytes and page aligned. */
    public record Range(long offset, long length) {}

    /** A capability by which a function level reset can be started. */
    public enum Flr {
        PCIE,
        AF
    }

    /**
     * A device that a hot reset affects.
     *
     * @param devid what iommufd calls it, 0 when it is not open but as good as ours, -1 when it
     *     forbids the reset
     */
    public record Affected(String bdf, int devid) {}

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

    /**
     * Binds the device to vfio-pci and opens it so that its memory is for one machine only, memory
     * decoding and bus mastering on.
     */
    public static VfioDevice openPrivate(Agent agent, String bdf, String name, Vm vm) {
        agent.call("pci.bind", Map.of("bdf", bdf, "driver", "vfio-pci"));
        agent.call("vfio.open", privateTo(bdf, name, vm));
        agent.call("vfio.command", Map.of("dev", name, "memory", 1, "master", 1));
        return new VfioDevice(agent, bdf, name);
    }

    /** What an agent is asked for to open a device privately, where the kernel may refuse. */
    public static Map<String, Object> privateTo(String bdf, String name, Vm vm) {
        return Map.of("bdf", bdf, "name", name, "vm", vm.name(), "private", 1);
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

    /** Exports as a dma-buf that is open for reading only. */
    public DmaBuf exportReadOnly(int bar, List<Range> ranges, String bufferName) {
        Map<String, Object> arguments =
                new LinkedHashMap<>(exportArguments(bar, ranges, bufferName));
        arguments.put("readonly", 1);
        agent.call("dmabuf.export", arguments);
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

    /** The same where the kernel may refuse. */
    public Answer tryMemory(boolean enabled) {
        return agent.attempt("vfio.command", Map.of("dev", name, "memory", enabled ? 1 : 0));
    }

    /** VFIO_DEVICE_RESET. */
    public void reset() {
        agent.call("vfio.reset", Map.of("dev", name));
    }

    /** A reset whose refusal is an answer. */
    public Answer tryReset() {
        return agent.attempt("vfio.reset", Map.of("dev", name));
    }

    /** Writes a BAR from the CPU. */
    public void write(int bar, long offset, String hexadecimal) {
        agent.call(
                "vfio.write",
                Map.of("dev", name, "bar", bar, "offset", offset, "data", hexadecimal));
    }

    /** Writes a BAR from the CPU where the kernel may refuse. */
    public Answer tryWrite(int bar, long offset, String hexadecimal) {
        return agent.attempt(
                "vfio.write",
                Map.of("dev", name, "bar", bar, "offset", offset, "data", hexadecimal));
    }

    /** Reads a BAR from the CPU where the kernel may refuse; "data" is hexadecimal. */
    public Answer tryRead(int bar, long offset, int length) {
        return agent.attempt(
                "vfio.read", Map.of("dev", name, "bar", bar, "offset", offset, "length", length));
    }

    /** Has an event store 4 bytes to a BAR, and fires it once. */
    public Answer tryIoeventfd(int bar, long offset, int value) {
        return agent.attempt(
                "vfio.ioeventfd",
                Map.of("dev", name, "bar", bar, "offset", offset, "value", value));
    }

    /** VFIO_REGION_INFO flags of a BAR, such as {@link #REGION_PRIVATE}. */
    public long regionFlags(int bar) {
        return agent.call("vfio.region", Map.of("dev", name, "index", bar)).number("flags");
    }

    /** VFIO_DEVICE_PCI_HOT_RESET: resets the slot or bus, with every device on it. */
    public void hotReset() {
        agent.call("vfio.hotreset", Map.of("dev", name));
    }

    /** A hot reset whose refusal is an answer. */
    public Answer tryHotReset() {
        return agent.attempt("vfio.hotreset", Map.of("dev", name));
    }

    /** The devices that a hot reset affects, this one included. */
    public List<Affected> hotResetInfo() {
        List<Affected> affected = new ArrayList<>();
        agent.call("vfio.hotreset.info", Map.of("dev", name))
                .json()
                .required("devices")
                .forEach(
                        device ->
                                affected.add(
                                        new Affected(
                                                device.required("bdf").asText(),
                                                device.required("devid").asInt())));
        return affected;
    }

    /** Where a capability is in configuration space, 0 when the device does not have it. */
    public int capability(int id) {
        return (int) agent.call("vfio.capability", Map.of("dev", name, "cap", id)).number("offset");
    }

    /** Function level reset by a configuration write; COMMAND is not written. */
    public void flr(Flr by) {
        agent.call("vfio.flr", flrArguments(by));
    }

    /** A function level reset whose refusal is an answer: EOPNOTSUPP without the capability. */
    public Answer tryFlr(Flr by) {
        return agent.attempt("vfio.flr", flrArguments(by));
    }

    private Map<String, ?> flrArguments(Flr by) {
        return Map.of("dev", name, "kind", by == Flr.PCIE ? "pcie" : "af");
    }

    /**
     * Sets the power state by a configuration write and returns the one read back: 0 is D0, 3 is
     * D3hot.
     */
    public int power(int state) {
        return (int) agent.call("vfio.power", Map.of("dev", name, "state", state)).number("state");
    }

    /** A power state whose refusal is an answer: EOPNOTSUPP without power management. */
    public Answer tryPower(int state) {
        return agent.attempt("vfio.power", Map.of("dev", name, "state", state));
    }

    /** Lets the kernel put the device into low power, or not any more. */
    public void lowPower(boolean enter) {
        agent.call("vfio.lowpower", Map.of("dev", name, "enter", enter ? 1 : 0));
    }

    /** Low power that the next access ends. */
    public void lowPowerUntilAccess() {
        agent.call("vfio.lowpower", Map.of("dev", name, "enter", 1, "wakeup", 1));
    }

    /** Low power where the kernel is expected to refuse, or may. */
    public Answer tryLowPower(boolean enter) {
        return agent.attempt("vfio.lowpower", Map.of("dev", name, "enter", enter ? 1 : 0));
    }

    /** Maps part of a BAR for the guest's CPU. */
    public BarMapping map(int bar, Range part, String mappingName) {
        agent.call("vfio.mmap", mapArguments(bar, part, mappingName));
        return new BarMapping(agent, mappingName);
    }

    /** Maps where the kernel is expected to refuse, or may. */
    public Answer tryMap(int bar, Range part, String mappingName) {
        return agent.attempt("vfio.mmap", mapArguments(bar, part, mappingName));
    }

    private Map<String, ?> mapArguments(int bar, Range part, String mappingName) {
        return Map.of(
                "dev",
                name,
                "bar",
                bar,
                "offset",
                part.offset(),
                "length",
                part.length(),
                "name",
                mappingName);
    }

    /** Attaches the device's DMA to an {@link Ioas} or a {@link Hwpt}. */
    public void attach(PageTable table) {
        agent.call("vfio.attach", Map.of("dev", name, "pt", table.name()));
    }

    /** Attaches where the kernel is expected to refuse, or may. */
    public Answer tryAttach(PageTable table) {
        return agent.attempt("vfio.attach", Map.of("dev", name, "pt", table.name()));
    }

    public void detach() {
        agent.call("vfio.detach", Map.of("dev", name));
    }

    public void close() {
        agent.call("vfio.close", Map.of("name", name));
    }
}
