// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * What QEMU's virtio-iommu has granted, replayed from its trace: it has no tables in guest memory,
 * and no command shows its own.
 *
 * <p>A trace need not begin with the guest. Of what was attached or mapped before, nothing is
 * known, and asking for it is an error; a device that was plugged since is known completely. An
 * event that cannot follow on those before is an error as well: what was concluded from them would
 * be wrong.
 *
 * <p>For one thread.
 */
public final class VirtioIommuMappings implements IommuTables {
    /** Mappings are ranges of any number of these. */
    private static final long GRANULE = 4096;

    /** How far a device can reach that goes around the IOMMU: x86's physical addresses. */
    private static final long EVERYTHING = 1L << 52;

    private final Map<SourceId, Endpoint> endpoints = new HashMap<>();
    private final Map<Integer, Domain> domains = new HashMap<>();

    private static final class Endpoint {
        /** As QEMU last said; null if it never has. */
        Boolean translated;

        Optional<Integer> domain = Optional.empty();

        /** {@link VirtioIommuEvent.Switched} that have to come before a request is granted. */
        int awaited;

        VirtioIommuEvent asked;
    }

    private static final class Domain {
        /** Whether the trace saw it being made. */
        final boolean known;

        final NavigableMap<Long, VirtioIommuEvent.Mapped> mappings =
                new TreeMap<>(Long::compareUnsigned);

        Domain(boolean known) {
            this.known = known;
        }
    }

    /**
     * Takes the next event; those that are none of virtio-iommu's requests change nothing.
     *
     * @throws MalformedTraceException when it cannot come after those before
     */
    public void accept(TraceEvent event) {
        if (event instanceof VirtioIommuEvent.Reset) {
            domains.clear();
            endpoints.values().forEach(VirtioIommuMappings::forget);
        } else if (event instanceof VirtioIommuEvent.AttachAsked attach) {
            Endpoint endpoint = endpoint(attach.endpoint());
            // QEMU detaches it first, which switches it as well.
            endpoint.awaited = endpoint.domain.isPresent() ? 2 : 1;
            endpoint.asked = attach;
            endpoint.domain = Optional.of(attach.domain());
        } else if (event instanceof VirtioIommuEvent.DetachAsked detach) {
            detach(detach);
        } else if (event instanceof VirtioIommuEvent.Switched switched) {
            Endpoint endpoint = endpoint(switched.endpoint());
            endpoint.translated = switched.translated();
            endpoint.awaited = Math.max(0, endpoint.awaited - 1);
        } else if (event instanceof VirtioIommuEvent.DomainMade made) {
            if (domains.putIfAbsent(made.domain(), new Domain(true)) != null) {
                throw unexpected(made, "there is such a domain already");
            }
        } else if (event instanceof VirtioIommuEvent.DomainGone gone) {
            domains.remove(gone.domain());
            endpoints.values().stream()
                    .filter(e -> e.awaited == 0 && e.domain.equals(Optional.of(gone.domain())))
                    .forEach(VirtioIommuMappings::forget);
        } else if (event instanceof VirtioIommuEvent.EndpointGone gone) {
            forget(endpoint(gone.endpoint()));
        } else if (event instanceof VirtioIommuEvent.Mapped mapped) {
            map(mapped);
        } else if (event instanceof VirtioIommuEvent.Unmapped unmapped) {
            unmap(unmapped);
        }
    }

    private static void forget(Endpoint endpoint) {
        endpoint.domain = Optional.empty();
        endpoint.awaited = 0;
    }

    private void detach(VirtioIommuEvent.DetachAsked detach) {
        Endpoint endpoint = endpoint(detach.endpoint());
        if (endpoint.domain.isPresent() && endpoint.domain.get() != detach.domain()) {
            throw unexpected(detach, "it is in domain " + endpoint.domain.get());
        }
        endpoint.domain = Optional.empty();
        endpoint.awaited = 1;
        endpoint.asked = detach;
    }

    private void map(VirtioIommuEvent.Mapped mapped) {
        Domain domain = domain(mapped.domain());
        Map.Entry<Long, VirtioIommuEvent.Mapped> before = domain.mappings.floorEntry(mapped.end());
        if (before != null && Long.compareUnsigned(before.getValue().end(), mapped.start()) >= 0) {
            throw unexpected(mapped, "it overlaps " + before.getValue());
        }
        domain.mappings.put(mapped.start(), mapped);
    }

    private void unmap(VirtioIommuEvent.Unmapped unmapped) {
        Domain domain = domain(unmapped.domain());
        VirtioIommuEvent.Mapped ended = domain.mappings.get(unmapped.start());
        if (ended != null && ended.end() == unmapped.end()) {
            domain.mappings.remove(unmapped.start());
        } else if (ended != null || domain.known) {
            throw unexpected(unmapped, "there is no such mapping");
        }
    }

    @Override
    public OptionalInt domain(SourceId source) {
        Optional<Integer> domain = granted(source).domain;
        return domain.isPresent() ? OptionalInt.of(domain.get()) : OptionalInt.empty();
    }

    @Override
    public Optional<Translation> translate(SourceId source, long iova) {
        Endpoint endpoint = granted(source);
        if (!endpoint.translated) {
            return Optional.of(new Translation(iova, 0, true, true, 0));
        }
        return reachable(endpoint)
                .map(mappings -> mappings.floorEntry(iova))
                .map(Map.Entry::getValue)
                .filter(m -> Long.compareUnsigned(iova, m.end()) <= 0)
                .filter(m -> m.read() || m.write())
                .map(
                        m ->
                                new Translation(
                                        m.physical() + (iova - m.start()),
                                        GRANULE,
                                        m.read(),
                                        m.write(),
                                        0));
    }

    @Override
    public List<Mapping> mappings(SourceId source) {
        Endpoint endpoint = granted(source);
        if (!endpoint.translated) {
            return List.of(new Mapping(0, 0, EVERYTHING, 0, true, true));
        }
        List<Mapping> found = new ArrayList<>();
        reachable(endpoint)
                .ifPresent(
                        mappings ->
                                mappings.values().stream()
                                        .filter(m -> m.read() || m.write())
                                        .forEach(m -> add(found, m)));
        return found;
    }

    private static void add(List<Mapping> found, VirtioIommuEvent.Mapped m) {
        long beyondFirst = m.end() - m.start();
        long length =
                Long.compareUnsigned(beyondFirst, EVERYTHING) < 0 ? beyondFirst + 1 : EVERYTHING;
        Mapping next = new Mapping(m.start(), m.physical(), length, GRANULE, m.read(), m.write());
        Mapping.append(found, next);
    }

    /** The mappings of a translated endpoint; empty when it is in no domain and thus blocked. */
    private Optional<NavigableMap<Long, VirtioIommuEvent.Mapped>> reachable(Endpoint endpoint) {
        return endpoint.domain.map(
                id -> {
                    Domain domain = domains.get(id);
                    if (domain == null || !domain.known) {
                        throw new MalformedTraceException(
                                "QEMU's trace does not tell what domain "
                                        + id
                                        + " held when it began");
                    }
                    return domain.mappings;
                });
    }

    /** An endpoint whose state is known: nothing it asked for is undecided or was refused. */
    private Endpoint granted(SourceId source) {
        Endpoint endpoint = endpoints.get(source);
        if (endpoint == null || endpoint.translated == null) {
            throw new MalformedTraceException("QEMU's trace has nothing about device " + source);
        } else if (endpoint.awaited > 0) {
            throw new MalformedTraceException(
                    "QEMU's trace does not tell that this was granted: " + endpoint.asked);
        }
        return endpoint;
    }

    private Endpoint endpoint(SourceId source) {
        return endpoints.computeIfAbsent(source, id -> new Endpoint());
    }

    private Domain domain(int id) {
        return domains.computeIfAbsent(id, unknown -> new Domain(false));
    }

    private static MalformedTraceException unexpected(VirtioIommuEvent event, String why) {
        return new MalformedTraceException("QEMU's trace has " + event + ", but " + why);
    }
}
