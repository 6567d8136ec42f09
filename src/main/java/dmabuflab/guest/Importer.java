// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import com.fasterxml.jackson.databind.JsonNode;
import dmabuflab.guest.TestExporter.Lifetime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** An attachment of the test importer module: what an importing driver would do, on command. */
public final class Importer {

    /**
     * What an attachment asks for; starts out as a faultable PFN importer without a device, which
     * copes with everything.
     *
     * @param tolerates how long memory may stay, empty if the importer says nothing of it
     * @param compositor is lost for ever by an access that fails
     */
    public record Wish(
            boolean notified,
            boolean p2p,
            boolean pfn,
            String device,
            Set<Lifetime> tolerates,
            boolean compositor) {
        public static final Wish PFN_IMPORTER =
                new Wish(true, true, true, "none", EnumSet.allOf(Lifetime.class), false);

        /** Without it only memory that stays can be tolerated. */
        public Wish withoutNotify() {
            return new Wish(false, p2p, pfn, device, EnumSet.of(Lifetime.PINNED), compositor);
        }

        /** An importer that maps scatterlists and never asks for a PFN, as most are. */
        public Wish mapOnly() {
            return new Wish(notified, p2p, false, device, Set.of(), compositor);
        }

        /** Attaches on behalf of this PCI device. */
        public Wish forDevice(String bdf) {
            return new Wish(notified, p2p, pfn, bdf, tolerates, compositor);
        }

        public Wish tolerating(Collection<Lifetime> lifetimes) {
            Set<Lifetime> set = Set.copyOf(lifetimes);
            return new Wish(notified, p2p, pfn, device, set, compositor);
        }

        public Wish asCompositor() {
            return new Wish(notified, p2p, pfn, device, tolerates, true);
        }
    }

    /** A page's frame and the order of the largest aligned block around it. */
    public record Pfn(long pfn, int maxOrder) {}

    /** Contiguous pages and what is said of their memory: for instance "mmio" and "cpu". */
    public record Run(long pfn, long pages, Set<String> attrs) {}

    /**
     * One notify as the importer saw it.
     *
     * @param timeNs CLOCK_MONOTONIC of the guest
     * @param requeryErrno what a query from inside the notify gave, "" for success
     */
    public record Notify(long seq, long timeNs, String requeryErrno, long requeryPfn) {}

    private final Agent agent;
    private final String name;

    private Importer(Agent agent, String name) {
        this.agent = agent;
        this.name = name;
    }

    public static Importer attach(Agent agent, DmaBuf buffer, Wish wish, String name) {
        agent.call("importer.attach", arguments(buffer, wish, name));
        return new Importer(agent, name);
    }

    /** One that {@link #tryAttach} has attached. */
    public static Importer attached(Agent agent, String name) {
        return new Importer(agent, name);
    }

    /** Attaches where the kernel is expected to refuse, or may. */
    public static Answer tryAttach(Agent agent, DmaBuf buffer, Wish wish, String name) {
        return agent.attempt("importer.attach", arguments(buffer, wish, name));
    }

    private static Map<String, ?> arguments(DmaBuf buffer, Wish wish, String name) {
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("dmabuf", buffer.name());
        arguments.put("name", name);
        arguments.put("notify", wish.notified() ? 1 : 0);
        arguments.put("p2p", wish.p2p() ? 1 : 0);
        arguments.put("pfn", wish.pfn() ? 1 : 0);
        arguments.put("device", wish.device());
        arguments.put("tolerates", wish.tolerates().stream().map(Lifetime::toString).toList());
        arguments.put("compositor", wish.compositor() ? 1 : 0);
        return arguments;
    }

    public String name() {
        return name;
    }

    /** dma_buf_get_pfn_unlocked() for one page. */
    public Pfn query(long pgoff) {
        Answer answer =
                agent.call(
                        "importer.query", Map.of("name", name, "pgoff", pgoff, "lock", "unlocked"));
        return new Pfn(answer.number("pfn"), (int) answer.number("max_order"));
    }

    /** dma_buf_get_pfn() with the reservation lock taken by the importer. */
    public Pfn queryLocked(long pgoff) {
        Answer answer =
                agent.call(
                        "importer.query", Map.of("name", name, "pgoff", pgoff, "lock", "caller"));
        return new Pfn(answer.number("pfn"), (int) answer.number("max_order"));
    }

    /** A query whose refusal is an answer; {@code lock} is "unlocked" or "caller". */
    public Answer tryQuery(long pgoff, String lock) {
        return agent.attempt("importer.query", Map.of("name", name, "pgoff", pgoff, "lock", lock));
    }

    /** Queries {@code count} pages one by one. */
    public List<Pfn> range(long first, long count) {
        Answer answer =
                agent.call("importer.range", Map.of("name", name, "first", first, "count", count));
        long[] pfns = answer.numbers("pfns");
        long[] orders = answer.numbers("orders");
        List<Pfn> pages = new ArrayList<>(pfns.length);
        for (int i = 0; i < pfns.length; i++) {
            pages.add(new Pfn(pfns[i], (int) orders[i]));
        }
        return pages;
    }

    /** dma_buf_get_pfn_ranges() for these pages, as far as 512 runs reach. */
    public List<Run> runs(long first, long count) {
        return runs(agent.call("importer.runs", runsArguments(first, count, 512)));
    }

    /** The same into room for {@code max} runs, 1 to 512; a refusal is an answer. */
    public Answer tryRuns(long first, long count, int max) {
        return agent.attempt("importer.runs", runsArguments(first, count, max));
    }

    /** What an answer that is no refusal tells. */
    public static List<Run> runs(Answer answer) {
        List<Run> runs = new ArrayList<>();
        for (JsonNode run : answer.json().required("runs")) {
            Set<String> attrs = new TreeSet<>();
            run.required("attrs").forEach(attr -> attrs.add(attr.asText()));
            runs.add(new Run(run.required("pfn").asLong(), run.required("pages").asLong(), attrs));
        }
        return runs;
    }

    private Map<String, ?> runsArguments(long first, long count, int max) {
        return Map.of("name", name, "first", first, "count", count, "max", max);
    }

    /** Takes the notifies recorded so far. */
    public List<Notify> notifies() {
        List<Notify> notifies = new ArrayList<>();
        for (JsonNode event :
                agent.call("importer.events", Map.of("name", name)).json().required("events")) {
            notifies.add(
                    new Notify(
                            event.required("seq").asLong(),
                            event.required("time_ns").asLong(),
                            event.required("requery_errno").asText(),
                            event.required("requery_pfn").asLong()));
        }
        return notifies;
    }

    /** Reads 8 bytes as a device with page faults would. */
    public long read(long offset) {
        return agent.call("importer.read", Map.of("name", name, "offset", offset)).number("value");
    }

    public void write(long offset, long value) {
        agent.call("importer.write", Map.of("name", name, "offset", offset, "value", value));
    }

    /** A write whose refusal is an answer; "faults" in it tells how often a page was asked for. */
    public Answer tryWrite(long offset, long value) {
        return agent.attempt(
                "importer.write", Map.of("name", name, "offset", offset, "value", value));
    }

    /** Maps the whole buffer for the importer's device; undone by {@link #unmap} only. */
    public void map() {
        agent.call("importer.map", Map.of("name", name));
    }

    public void unmap() {
        agent.call("importer.unmap", Map.of("name", name));
    }

    /** Adds an unsignalled fence to the buffer; {@code usage} is "kernel" or "bookkeep". */
    public void holdFence(String usage) {
        agent.call("importer.fence", Map.of("name", name, "action", "hold", "usage", usage));
    }

    public void signalFence() {
        agent.call("importer.fence", Map.of("name", name, "action", "signal"));
    }

    public void detach() {
        agent.call("importer.detach", Map.of("name", name));
    }
}
