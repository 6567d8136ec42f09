// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the kernel says of one virtual machine, from its own trace.
 *
 * @param kvm address of KVM's structure for it
 * @param events of its life, those of others in between included
 */
public record KvmHistory(long kvm, List<KvmEvent> events) {
    public KvmHistory {
        events = List.copyOf(events);
    }

    /**
     * The history of the virtual machine that was last asked for this capability; empty when none
     * was. Its life goes from its creation until another one gets the same address.
     */
    public static Optional<KvmHistory> ofAsked(List<KvmEvent> events, long capability) {
        int asked = -1;
        long kvm = 0;
        for (int i = 0; i < events.size(); i++) {
            if (events.get(i) instanceof KvmEvent.CapabilityAsked event
                    && event.capability() == capability
                    && event.kvm() != 0) {
                asked = i;
                kvm = event.kvm();
            }
        }
        if (asked < 0) {
            return Optional.empty();
        }
        int born = asked;
        while (born > 0 && !creates(events.get(born), kvm)) {
            born--;
        }
        int end = asked;
        while (end < events.size() && !creates(events.get(end), kvm)) {
            end++;
        }
        return Optional.of(new KvmHistory(kvm, events.subList(born, end)));
    }

    private static boolean creates(KvmEvent event, long kvm) {
        return event instanceof KvmEvent.VmCreated created && created.kvm() == kvm;
    }

    /** For each virtual CPU that exists and has been run, the root it was last given. */
    public Map<Long, KvmEvent.RootLoaded> roots() {
        Map<Long, Optional<KvmEvent.RootLoaded>> vcpus = new LinkedHashMap<>();
        for (KvmEvent event : events) {
            if (event instanceof KvmEvent.VcpuCreated created && created.kvm() == kvm) {
                vcpus.put(created.vcpu(), Optional.empty());
            } else if (event instanceof KvmEvent.VcpuFreed freed) {
                vcpus.remove(freed.vcpu());
            } else if (event instanceof KvmEvent.RootLoaded loaded) {
                vcpus.replace(loaded.vcpu(), Optional.of(loaded));
            }
        }
        Map<Long, KvmEvent.RootLoaded> roots = new LinkedHashMap<>();
        vcpus.forEach((vcpu, root) -> root.ifPresent(loaded -> roots.put(vcpu, loaded)));
        return roots;
    }

    /**
     * The changes of entries for a range, in their order. As the event does not tell virtual
     * machines apart, those of others at the same addresses are among them.
     */
    public List<KvmEvent.SpteChanged> changes(long gpa, long length) {
        return events.stream()
                .filter(KvmEvent.SpteChanged.class::isInstance)
                .map(KvmEvent.SpteChanged.class::cast)
                .filter(change -> change.overlaps(gpa, length))
                .toList();
    }

    /** How often its virtual CPUs were told to drop their tables. */
    public long rootsDropped() {
        return events.stream()
                .filter(event -> event instanceof KvmEvent.RootsDropped drop && drop.kvm() == kvm)
                .count();
    }

    /**
     * Whether each time that KVM was told to unmap what it had mapped in this range, all virtual
     * CPUs were asked to flush their TLBs after the last leaf was gone, and before the system call
     * returned in which that happened; empty when none was unmapped. A leaf of tables that had been
     * dropped before takes no flush.
     */
    public Optional<Boolean> flushedBeforeReturn(long gpa, long length) {
        Map<Integer, Long> unmapping = new HashMap<>();
        Set<Integer> unflushed = new HashSet<>();
        Map<Long, Boolean> dropped = new HashMap<>();
        Optional<Boolean> flushed = Optional.empty();
        for (KvmEvent event : events) {
            int thread = event.thread();
            if (event instanceof KvmEvent.SpteChanged change && change.isLeaf()) {
                dropped.put(change.gpa(), false);
            } else if (event instanceof KvmEvent.RootsDropped drop && drop.kvm() == kvm) {
                dropped.replaceAll((mapped, before) -> true);
            }
            if (event instanceof KvmEvent.Unmap unmap) {
                unmapping.put(thread, unmap.kvm());
            } else if (event instanceof KvmEvent.SpteChanged change) {
                if (unmapping.getOrDefault(thread, 0L) == kvm
                        && change.zapped()
                        && change.overlaps(gpa, length)) {
                    if (!dropped.getOrDefault(change.gpa(), false)) {
                        unflushed.add(thread);
                    }
                    flushed = Optional.of(true);
                }
            } else if (event instanceof KvmEvent.FlushRequested flush && flush.kvm() == kvm) {
                unflushed.clear();
            } else if (event instanceof KvmEvent.Returned) {
                unmapping.remove(thread);
                if (unflushed.contains(thread)) {
                    return Optional.of(false);
                }
            }
        }
        return unflushed.isEmpty() ? flushed : Optional.of(false);
    }
}
