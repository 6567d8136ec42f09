// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;

/** Something QEMU's IOMMU model did, or the bus behind it, from QEMU's trace log. */
public sealed interface TraceEvent
        permits TraceEvent.Fault,
                TraceEvent.FaultRecorded,
                TraceEvent.IotlbInvalidation,
                TraceEvent.ContextInvalidation,
                TraceEvent.RootTable,
                TraceEvent.BarUnmapped,
                VirtioIommuEvent {
    /** When, on the host's clock; present when QEMU runs with {@code -msg timestamp=on}. */
    Optional<Instant> at();

    /** How much an invalidation covers. */
    enum Granularity {
        /** Everything. */
        GLOBAL,
        /** One domain. */
        DOMAIN,
        /** One device (context cache) or some pages of one domain (IOTLB). */
        SELECTIVE
    }

    /**
     * A refused request, one event per access of the device: a DMA of 64 bytes in words of 4 makes
     * 16 of them. Comes whether or not the fault could be recorded.
     */
    record Fault(Optional<Instant> at, IommuFault fault) implements TraceEvent {}

    /** A fault written to fault recording register {@code index}, where the guest finds it. */
    record FaultRecorded(Optional<Instant> at, int index, IommuFault fault) implements TraceEvent {}

    /**
     * The guest invalidated IOTLB entries.
     *
     * @param domain empty when global
     * @param address first I/O virtual address, 0 unless selective
     * @param length bytes, 0 unless selective
     */
    record IotlbInvalidation(
            Optional<Instant> at,
            Granularity granularity,
            OptionalInt domain,
            long address,
            long length)
            implements TraceEvent {
        /** Whether it covers this address of this domain. */
        public boolean covers(int inDomain, long iova) {
            switch (granularity) {
                case GLOBAL:
                    return true;
                case DOMAIN:
                    return domain.orElse(-1) == inDomain;
                default:
                    return domain.orElse(-1) == inDomain
                            && iova >= address
                            && iova - address < length;
            }
        }
    }

    /**
     * The guest invalidated cached context entries: it attached or detached a device.
     *
     * @param domain present for one domain only
     * @param source present for one device only
     */
    record ContextInvalidation(
            Optional<Instant> at,
            Granularity granularity,
            OptionalInt domain,
            Optional<SourceId> source)
            implements TraceEvent {}

    /**
     * A BAR is no longer decoded: COMMAND.MEM was cleared, or the device is being reset.
     *
     * @param address where it was, bytes
     */
    record BarUnmapped(Optional<Instant> at, SourceId device, int bar, long address)
            implements TraceEvent {}

    /** The guest set the root table. */
    record RootTable(Optional<Instant> at, long address, boolean scalable) implements TraceEvent {}
}
