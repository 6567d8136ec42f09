// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.VfioDevice;
import dmabuflab.witness.IommuFault;
import dmabuflab.witness.IommuTables;
import dmabuflab.witness.Mapping;
import dmabuflab.witness.QemuTrace;
import dmabuflab.witness.SourceId;
import dmabuflab.witness.TraceEvent;
import dmabuflab.witness.Translation;
import dmabuflab.witness.VirtioIommuEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What the models have in common: tables of some kind, and QEMU's trace of what happened. */
abstract class TracedIommu implements IommuView {
    private final QemuTrace trace;
    private final Testimony testimony;
    private final List<TraceEvent> events = new ArrayList<>();

    TracedIommu(QemuTrace trace, Testimony testimony) {
        this.trace = trace;
        this.testimony = testimony;
    }

    /** What devices reach, as of now. */
    abstract IommuTables tables();

    /** What {@link #lastFaultRecord} returns. */
    abstract Optional<IommuFault> faultRecord();

    @Override
    public final Optional<Translation> translate(VfioDevice device, long iova) {
        Optional<Translation> translation = tables().translate(source(device), iova);
        record(
                String.format(
                        "IOMMU of %s: 0x%x -> %s",
                        device.bdf(),
                        iova,
                        translation.map(Translation::toString).orElse("nothing")));
        return translation;
    }

    @Override
    public final List<Mapping> mappings(VfioDevice device) {
        List<Mapping> mappings = tables().mappings(source(device));
        record("IOMMU of " + device.bdf() + ": " + mappings);
        return mappings;
    }

    @Override
    public final List<IommuFault> faults(VfioDevice device) {
        List<IommuFault> faults =
                events().stream()
                        .filter(TraceEvent.Fault.class::isInstance)
                        .map(event -> ((TraceEvent.Fault) event).fault())
                        .filter(fault -> fault.source().equals(source(device)))
                        .toList();
        record("faults of " + device.bdf() + ": " + faults);
        return faults;
    }

    @Override
    public final Optional<IommuFault> lastFaultRecord() {
        Optional<IommuFault> fault = faultRecord();
        fault.ifPresent(recorded -> record("fault recording register: " + recorded));
        return fault;
    }

    @Override
    public final long iotlbInvalidations(VfioDevice device, long iova) {
        int domain = domain(device);
        long count = events().stream().filter(event -> drops(event, domain, iova)).count();
        record(String.format("%d invalidations of domain %d at 0x%x", count, domain, iova));
        return count;
    }

    @Override
    public final Optional<Boolean> invalidatedBeforeDecodingEnded(
            VfioDevice device, long iova, Exporter exporter, int since) {
        int domain = domain(device);
        SourceId decoding = SourceId.parse(exporter.device().bdf());
        boolean invalidated = false;
        for (TraceEvent event : events().subList(since, events.size())) {
            invalidated |= drops(event, domain, iova);
            if (event instanceof TraceEvent.BarUnmapped bar
                    && bar.device().equals(decoding)
                    && bar.bar() == exporter.bar()) {
                record(
                        String.format(
                                "BAR %d of %s no longer decoded, 0x%x %s",
                                bar.bar(),
                                decoding,
                                iova,
                                invalidated ? "invalidated before" : "not invalidated"));
                return Optional.of(invalidated);
            }
        }
        return Optional.empty();
    }

    private int domain(VfioDevice device) {
        return tables().domain(source(device))
                .orElseThrow(() -> new AssertionError(device.bdf() + " is in no domain"));
    }

    /** Whether nothing of this IOVA was left in any cache after the event. */
    private static boolean drops(TraceEvent event, int domain, long iova) {
        if (event instanceof TraceEvent.IotlbInvalidation invalidation) {
            return invalidation.covers(domain, iova);
        }
        return event instanceof VirtioIommuEvent.UnmapAsked unmap && unmap.covers(domain, iova);
    }

    @Override
    public final List<TraceEvent> events() {
        List<TraceEvent> fresh = trace.poll();
        events.addAll(fresh);
        fresh.forEach(this::happened);
        return List.copyOf(events);
    }

    /** Is told each event once, in order, as they are read. */
    void happened(TraceEvent event) {}

    private void record(String statement) {
        testimony.record(Witness.HARDWARE, statement);
    }

    private static SourceId source(VfioDevice device) {
        return SourceId.parse(device.bdf());
    }
}
