// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.time.Instant;
import java.util.Optional;

/**
 * What QEMU's virtio-iommu did with the guest's requests. Addresses are in bytes, ends are
 * inclusive; an endpoint is a PCI device.
 */
public sealed interface VirtioIommuEvent extends TraceEvent {

    /** All domains and endpoints are gone. */
    record Reset(Optional<Instant> at) implements VirtioIommuEvent {}

    /** The guest asked to attach an endpoint; granted if {@link Switched} follows. */
    record AttachAsked(Optional<Instant> at, int domain, SourceId endpoint)
            implements VirtioIommuEvent {}

    /** The guest asked to detach an endpoint; granted if {@link Switched} follows. */
    record DetachAsked(Optional<Instant> at, int domain, SourceId endpoint)
            implements VirtioIommuEvent {}

    /** An endpoint's requests go through the IOMMU from now on, or around it. */
    record Switched(Optional<Instant> at, SourceId endpoint, boolean translated)
            implements VirtioIommuEvent {}

    /** A domain came into being, without mappings. */
    record DomainMade(Optional<Instant> at, int domain) implements VirtioIommuEvent {}

    /** A domain ceased to exist, and with it its mappings. */
    record DomainGone(Optional<Instant> at, int domain) implements VirtioIommuEvent {}

    /** An endpoint ceased to exist. */
    record EndpointGone(Optional<Instant> at, SourceId endpoint) implements VirtioIommuEvent {}

    /** A mapping was granted. */
    record Mapped(
            Optional<Instant> at,
            int domain,
            long start,
            long end,
            long physical,
            boolean read,
            boolean write)
            implements VirtioIommuEvent {}

    /** The guest asked to unmap a range; {@link Unmapped} tells what that ended. */
    record UnmapAsked(Optional<Instant> at, int domain, long start, long end)
            implements VirtioIommuEvent {
        /** Whether the range includes an address of this domain. */
        public boolean covers(int inDomain, long iova) {
            return domain == inDomain
                    && Long.compareUnsigned(start, iova) <= 0
                    && Long.compareUnsigned(iova, end) <= 0;
        }
    }

    /** A mapping has ended. */
    record Unmapped(Optional<Instant> at, int domain, long start, long end)
            implements VirtioIommuEvent {}
}
