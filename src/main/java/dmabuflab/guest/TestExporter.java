// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A buffer of the test exporter module, which moves, revokes and refuses on command.
 *
 * <p>It has places of the same size, made of RAM or of parts of BARs, and is in one of them.
 */
public final class TestExporter {

    /** How long its memory stays, in the kernel's words. */
    public enum Lifetime {
        PINNED,
        REVOCABLE,
        DYNAMIC;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** A part of a place. */
    public record Segment(Map<String, ?> description) {
        /** Pages of RAM in naturally aligned pieces of {@code 1 << order}. */
        public static Segment ram(long pages, int order) {
            return new Segment(Map.of("pages", pages, "order", order));
        }

        /** Pages that the CPU is said not to be able to map. */
        public static Segment ramWithoutCpu(long pages) {
            return new Segment(Map.of("pages", pages, "no_cpu", 1));
        }

        /** The first pages of a mapping of plain memory, which are pinned; they can be unmapped. */
        public static Segment pinned(BarMapping mapping, long pages) {
            return new Segment(Map.of("pages", pages, "mapping", mapping.name()));
        }

        /** Pages of a BAR whose memory decoding is on; {@code offset} is in bytes. */
        public static Segment bar(String bdf, int bar, long offset, long pages) {
            return new Segment(bar(bdf, bar, offset, pages, 0));
        }

        /** Pages of a BAR that the CPU is said not to be able to map. */
        public static Segment barWithoutCpu(String bdf, int bar, long offset, long pages) {
            return new Segment(bar(bdf, bar, offset, pages, 1));
        }

        private static Map<String, ?> bar(
                String bdf, int bar, long offset, long pages, int withoutCpu) {
            return Map.of(
                    "device",
                    bdf,
                    "bar",
                    bar,
                    "offset",
                    offset,
                    "pages",
                    pages,
                    "no_cpu",
                    withoutCpu);
        }
    }

    /** What the exporter can do beside keeping its promise. */
    public enum Ability {
        /** Stays put for importers that tolerate nothing else. */
        CAN_PIN,
        /** Can be mapped by scatterlist where it is RAM. */
        MAPPABLE
    }

    private static final String DMABUF = ".dmabuf";
    private static final int EIO = 5;
    private static final int ENOSPC = 28;

    private final Agent agent;
    private final String name;
    private final DmaBuf buffer;

    private TestExporter(Agent agent, String name) {
        this.agent = agent;
        this.name = name;
        buffer = new DmaBuf(agent, name + DMABUF);
    }

    /** A buffer that is in the place made of {@code segments}, which is number 0. */
    public static TestExporter create(
            Agent agent,
            String name,
            Lifetime lifetime,
            List<Segment> segments,
            Ability... abilities) {
        agent.call("exporter.create", arguments(name, lifetime, segments, abilities));
        return new TestExporter(agent, name);
    }

    /** What an agent is asked for to make such a buffer, which is called NAME.dmabuf then. */
    public static Map<String, ?> arguments(
            String name, Lifetime lifetime, List<Segment> segments, Ability... abilities) {
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("name", name);
        arguments.put("dmabuf", name + DMABUF);
        arguments.put("lifetime", lifetime.toString());
        arguments.put("segments", descriptions(segments));
        for (Ability ability : abilities) {
            arguments.put(ability.name().toLowerCase(Locale.ROOT), 1);
        }
        return arguments;
    }

    private static List<Map<String, ?>> descriptions(List<Segment> segments) {
        return segments.stream().<Map<String, ?>>map(Segment::description).toList();
    }

    public DmaBuf buffer() {
        return buffer;
    }

    public String name() {
        return name;
    }

    /** Another place to move to, and its number. */
    public int place(Segment... segments) {
        Answer answer =
                agent.call(
                        "exporter.place",
                        Map.of("name", name, "segments", descriptions(List.of(segments))));
        return (int) answer.number("place");
    }

    /** Where a page of a place is, by the exporter's own books. */
    public long pfn(int place, long pgoff) {
        return agent.call("exporter.pfn", Map.of("name", name, "place", place, "pgoff", pgoff))
                .number("pfn");
    }

    /** Moves the buffer with its content, and fills the old place with 0xa5. */
    public void move(int to) {
        agent.call("exporter.move", Map.of("name", name, "to", to));
    }

    /** A move that may be refused. */
    public Answer tryMove(int to) {
        return agent.attempt("exporter.move", Map.of("name", name, "to", to));
    }

    /** Moves the buffer, but leaves the content behind until {@link #finish}. */
    public void startMove(int to) {
        agent.call("exporter.move", Map.of("name", name, "to", to, "wait", 1));
    }

    public void finish() {
        agent.call("exporter.finish", Map.of("name", name));
    }

    public void revoke() {
        agent.call("exporter.revoke", Map.of("name", name));
    }

    /** A revoke that may be refused. */
    public Answer tryRevoke() {
        return agent.attempt("exporter.revoke", Map.of("name", name));
    }

    public void restore() {
        agent.call("exporter.restore", Map.of("name", name));
    }

    /** Has no room (ENOSPC) for whoever attaches from now on. */
    public void refuseAttachments() {
        agent.call("exporter.fail", Map.of("name", name, "attach", ENOSPC));
    }

    /** Fails the next queries with EIO, and lets importers attach. */
    public void failQueries(long count) {
        agent.call("exporter.fail", Map.of("name", name, "query", EIO, "count", count));
    }

    /** The end of the exporter: the memory is gone for ever, unless it was to stay. */
    public void end() {
        agent.call("handle.close", Map.of("name", name));
    }

    /** The same with its answer. */
    public Answer tryEnd() {
        return agent.attempt("handle.close", Map.of("name", name));
    }
}
