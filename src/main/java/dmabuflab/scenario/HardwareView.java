// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.Guest;
import dmabuflab.guest.GuestImage;
import dmabuflab.guest.PluggedDevice;
import dmabuflab.host.InfrastructureException;
import dmabuflab.kernel.SymbolTable;
import dmabuflab.qemu.PciDevice;
import dmabuflab.qemu.QemuProcess;
import dmabuflab.qemu.Qmp;
import dmabuflab.scenario.HardwareState.Section;
import dmabuflab.scenario.HardwareState.Traced;
import dmabuflab.witness.FaultRecord;
import dmabuflab.witness.IommuFault;
import dmabuflab.witness.IommuTables;
import dmabuflab.witness.KernelMemory;
import dmabuflab.witness.MalformedTableException;
import dmabuflab.witness.MalformedTraceException;
import dmabuflab.witness.MappedMemory;
import dmabuflab.witness.SourceId;
import dmabuflab.witness.TraceEvent;
import dmabuflab.witness.TraceLine;
import dmabuflab.witness.VirtualMachine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * All of a guest's hardware that can be seen from outside, at once: its devices, its IOMMU and
 * QEMU's trace. The guest goes on meanwhile and is not asked anything, so what it is just changing
 * may be unreadable at a moment. For one thread.
 */
public final class HardwareView implements AutoCloseable {
    /** More than a terminal has lines. */
    private static final int TRACE_BYTES = 32 << 10;

    private static final IommuFault NO_RECORD = FaultRecord.decode(0, 0);

    private final Qmp qmp;
    private final TracedIommu iommu;
    private final Path trace;
    private final Map<String, String> devices = new LinkedHashMap<>();
    private final MappedMemory memory;
    private final Optional<Long> vmList;
    private final KernelMemory kernel;
    private String lostTrack = "";

    /**
     * @param plugged what to look at
     */
    public HardwareView(Guest guest, IommuModel model, Collection<PluggedDevice> plugged) {
        SymbolTable symbols = SymbolTable.of(guest.kernel().vmlinux());
        vmList = symbols.variable("vm_list");
        long topTable =
                symbols.variable("init_top_pgt")
                        .orElseThrow(
                                () ->
                                        new InfrastructureException(
                                                "cannot tell where the kernel's page tables are",
                                                "init_top_pgt is not in "
                                                        + guest.kernel().vmlinux(),
                                                "is that the vmlinux of an x86 kernel?"));
        qmp = guest.qmp();
        iommu = model.view(guest, guest.artefacts(), new Testimony());
        trace = guest.artefacts().resolve(QemuProcess.TRACE);
        memory = MappedMemory.of(guest.memory(), GuestImage.MEMORY);
        kernel = new KernelMemory(memory, topTable);
        for (PluggedDevice device : plugged) {
            devices.put(device.hardware().id(), device.bdf() + " " + device.model());
            device.siblings().forEach(each -> devices.put(each.id(), each.bdf() + " " + each.id()));
        }
    }

    /** As it is now. */
    public HardwareState look() {
        List<Section> sections = new ArrayList<>();
        List<TraceEvent> events = List.of();
        IommuTables tables = null;
        String obstacle = "";
        try {
            events = iommu.events();
            tables = iommu.tables();
        } catch (MalformedTraceException e) {
            lostTrack = e.getMessage(); // what comes after it may be understood, but has a gap
        } catch (InfrastructureException | MalformedTableException e) {
            obstacle = e.getMessage();
        }
        if (!lostTrack.isEmpty()) {
            obstacle = lostTrack;
            tables = null;
        }
        for (Map.Entry<String, String> each : devices.entrySet()) {
            PciDevice device = null;
            String bars = each.getValue() + " decodes";
            try {
                device = PciDevice.find(qmp, each.getKey());
                sections.add(Section.bars(bars, device));
            } catch (InfrastructureException e) {
                sections.add(Section.unreadable(bars, e.getMessage()));
            }
            String reach = each.getValue() + " reaches";
            sections.add(
                    tables == null || device == null
                            ? Section.unreadable(
                                    reach, obstacle.isEmpty() ? "not in QEMU" : obstacle)
                            : reach(reach, tables, SourceId.parse(device.bdf())));
        }
        vmList.ifPresent(list -> sections.add(virtualMachines(list)));
        faultRecord().ifPresent(sections::add);
        sections.add(refused(events));
        return new HardwareState(List.copyOf(sections), tail());
    }

    private Section reach(String title, IommuTables tables, SourceId source) {
        try {
            return Section.reach(title, tables.domain(source), tables.mappings(source));
        } catch (MalformedTableException | MalformedTraceException e) {
            return Section.unreadable(title, e.getMessage());
        }
    }

    private Section virtualMachines(long list) {
        String title = "virtual machines reach";
        try {
            SortedMap<String, String> lines = new TreeMap<>();
            for (VirtualMachine each : VirtualMachine.all(kernel, list)) {
                lines.putAll(Section.reached(each, memory));
            }
            return Section.of(title, lines);
        } catch (MalformedTableException e) {
            return Section.unreadable(title, e.getMessage());
        }
    }

    /** What the IOMMU's register holds; not there for a model that has none. */
    private Optional<Section> faultRecord() {
        String title = "last fault record";
        try {
            return iommu.faultRecord()
                    .map(fault -> fault.equals(NO_RECORD) ? "none" : fault.toString())
                    .map(text -> Section.of(title, new TreeMap<>(Map.of("", text))));
        } catch (InfrastructureException e) {
            return Optional.of(Section.unreadable(title, e.getMessage()));
        }
    }

    private Section refused(List<TraceEvent> events) {
        String title = "requests refused by QEMU";
        if (!lostTrack.isEmpty()) {
            return Section.unreadable(title, lostTrack);
        }
        List<TraceEvent.Fault> refused =
                events.stream()
                        .filter(TraceEvent.Fault.class::isInstance)
                        .map(TraceEvent.Fault.class::cast)
                        .toList();
        return Section.of(title, new TreeMap<>(Map.of("", summary(refused))));
    }

    private static String summary(List<TraceEvent.Fault> refused) {
        if (refused.isEmpty()) {
            return "none";
        }
        TraceEvent.Fault last = refused.get(refused.size() - 1);
        String when =
                last.at()
                        .map(at -> LocalTime.ofInstant(at, ZoneId.systemDefault()) + " ")
                        .orElse("");
        return refused.size() + ", the last " + when + last.fault();
    }

    private List<Traced> tail() {
        if (!Files.exists(trace)) {
            return List.of();
        }
        try (SeekableByteChannel channel = Files.newByteChannel(trace)) {
            long start = Math.max(0, channel.size() - TRACE_BYTES);
            ByteBuffer bytes = ByteBuffer.allocate(TRACE_BYTES);
            channel.position(start);
            while (channel.read(bytes) > 0) {}
            String text =
                    new String(bytes.array(), 0, bytes.position(), StandardCharsets.ISO_8859_1);
            // Neither half a line at the begin nor one at the end.
            int first = start == 0 ? 0 : text.indexOf('\n') + 1;
            return text.substring(first, Math.max(first, text.lastIndexOf('\n') + 1))
                    .lines()
                    .flatMap(line -> TraceLine.of(line).stream())
                    .map(line -> new Traced(line.at(), line.event() + " " + line.text()))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + trace, e);
        }
    }

    @Override
    public void close() {
        memory.close();
        iommu.close();
    }
}
