// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.Guest;
import dmabuflab.guest.GuestImage;
import dmabuflab.guest.VfioDevice;
import dmabuflab.host.InfrastructureException;
import dmabuflab.qemu.QemuProcess;
import dmabuflab.qemu.Qmp;
import dmabuflab.witness.DeviceTable;
import dmabuflab.witness.FaultRecord;
import dmabuflab.witness.IommuFault;
import dmabuflab.witness.MappedMemory;
import dmabuflab.witness.Mapping;
import dmabuflab.witness.QemuTrace;
import dmabuflab.witness.SourceId;
import dmabuflab.witness.TraceEvent;
import dmabuflab.witness.Translation;
import dmabuflab.witness.VtdTables;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The IOMMU seen from outside the guest: its tables in guest memory, walked by this process, and
 * what QEMU's model of it did.
 */
public final class IommuView implements AutoCloseable {
    /** Register base of the first VT-d unit, and in it the root table address. */
    private static final long REGISTERS = 0xfed90000L;

    private static final long ROOT_TABLE_ADDRESS = 0x20;
    private static final long FAULT_RECORD = 0x220;
    private static final Pattern QUADWORD = Pattern.compile("0x([0-9a-f]{16})(?!\\d)");

    private final Qmp qmp;
    private final MappedMemory memory;
    private final QemuTrace trace;
    private final List<TraceEvent> events = new ArrayList<>();
    private final Testimony testimony;

    IommuView(Guest guest, Path artefacts, Testimony testimony) {
        this.qmp = guest.qmp();
        this.memory = MappedMemory.of(guest.memory(), GuestImage.MEMORY);
        this.trace = new QemuTrace(artefacts.resolve(QemuProcess.TRACE));
        this.testimony = testimony;
    }

    /** Where a device's request to this IOVA would go, empty if it would fault. */
    public Optional<Translation> translate(VfioDevice device, long iova) {
        Optional<Translation> translation = tables().translate(source(device), iova);
        testimony.record(
                Witness.HARDWARE,
                String.format(
                        "VT-d table of %s: 0x%x -> %s",
                        device.bdf(),
                        iova,
                        translation.map(Translation::toString).orElse("nothing")));
        return translation;
    }

    /** Everything a device can reach. */
    public List<Mapping> mappings(VfioDevice device) {
        List<Mapping> mappings = tables().mappings(source(device));
        testimony.record(Witness.HARDWARE, "VT-d table of " + device.bdf() + ": " + mappings);
        return mappings;
    }

    /** Every DMA request of the device that QEMU's IOMMU has refused so far. */
    public List<IommuFault> faults(VfioDevice device) {
        List<IommuFault> faults =
                events().stream()
                        .filter(TraceEvent.Fault.class::isInstance)
                        .map(event -> ((TraceEvent.Fault) event).fault())
                        .filter(fault -> fault.source().equals(source(device)))
                        .toList();
        testimony.record(Witness.HARDWARE, "faults of " + device.bdf() + ": " + faults);
        return faults;
    }

    /** What the IOMMU's fault recording register holds, taken by the guest's kernel or not. */
    public IommuFault lastFaultRecord() {
        long[] record = registers(FAULT_RECORD, 2);
        IommuFault fault = FaultRecord.decode(record[0], record[1]);
        testimony.record(Witness.HARDWARE, "fault recording register: " + fault);
        return fault;
    }

    /** How often the guest has invalidated the IOTLB for this IOVA of the device's domain. */
    public long iotlbInvalidations(VfioDevice device, long iova) {
        int domain =
                tables().device(source(device))
                        .map(DeviceTable::domain)
                        .orElseThrow(
                                () -> new AssertionError(device.bdf() + " has no context entry"));
        long count =
                events().stream()
                        .filter(TraceEvent.IotlbInvalidation.class::isInstance)
                        .filter(e -> ((TraceEvent.IotlbInvalidation) e).covers(domain, iova))
                        .count();
        testimony.record(
                Witness.HARDWARE,
                String.format("%d IOTLB invalidations of domain %d at 0x%x", count, domain, iova));
        return count;
    }

    /** What QEMU's IOMMU has traced so far. */
    public List<TraceEvent> events() {
        events.addAll(trace.poll());
        return List.copyOf(events);
    }

    private VtdTables tables() {
        return new VtdTables(memory, registers(ROOT_TABLE_ADDRESS, 1)[0]);
    }

    private long[] registers(long offset, int count) {
        String answer = qmp.monitor(String.format("xp /%dgx 0x%x", count, REGISTERS + offset));
        long[] values =
                QUADWORD.matcher(answer)
                        .results()
                        .mapToLong(value -> Long.parseUnsignedLong(value.group(1), 16))
                        .toArray();
        if (values.length != count) {
            throw new InfrastructureException(
                    "cannot read the IOMMU's registers",
                    "QEMU's monitor said: " + answer,
                    "does the machine file have an intel-iommu?");
        }
        return values;
    }

    private static SourceId source(VfioDevice device) {
        return SourceId.parse(device.bdf());
    }

    @Override
    public void close() {
        memory.close();
    }
}
