// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.guest.Agent;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Importer.Wish;
import dmabuflab.guest.MemoryUse;
import dmabuflab.guest.PciBus;
import dmabuflab.guest.Race;
import dmabuflab.guest.Race.Step;
import dmabuflab.guest.TestExporter;
import dmabuflab.guest.TestExporter.Ability;
import dmabuflab.guest.TestExporter.Lifetime;
import dmabuflab.guest.TestExporter.Segment;
import dmabuflab.host.InfrastructureException;
import dmabuflab.report.BarChart;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Measures the two ways to learn what kind of memory is at a PFN, inside a guest: asking the
 * exporter, and looking it up in what was registered by PFN. And what all PFNs of a buffer cost,
 * against a mapping of it by scatterlist.
 *
 * <p>Times are those of the kernel's own calls, with the buffer's reservation lock held.
 */
final class AttributeBench {
    /** Ranges of a buffer, each of one page and with an entry of its own by PFN. */
    private static final List<Integer> RANGES = List.of(1, 1_000, 100_000);

    /** What {@link #bars} are. */
    static final String BARS =
            "nanoseconds for a PFN and its attributes, each of another range (logarithmic)";

    private static final String BY_PFN = "/sys/module/dma_buf_pfn_attrs/parameters/by_pfn";
    private static final int QUERIES = 20_000;

    /** A prime far above what caches hold of neighbours: each query is of another range. */
    private static final int FAR = 7919;

    /** Ranges that take so much memory that pages which caches keep do not show. */
    private static final int ENOUGH = 100_000;

    private static final int READ_AT_ONCE = 2_000;
    private static final int WRITTEN = 8;
    private static final Duration RACE = Duration.ofSeconds(3);

    private static final String ALONE = "PFN only";
    private static final String ASKED = "attributes asked";
    private static final String LOOKED_UP = "attributes looked up";
    private static final String SAME = ", the same page";
    private static final String OTHERS = ", other ranges";
    private static final String RATIO = "looked up / asked";

    /** Of buffers that are mapped: 256 MiB. */
    private static final int MAPPED_PAGES = 1 << 16;

    private final Agent agent;
    private final int rounds;
    private int buffers;

    private AttributeBench(Agent agent, int rounds) {
        this.agent = agent;
        this.rounds = rounds;
    }

    /** Measures that often in a guest where nobody else does anything, and tells case by case. */
    static void run(Agent agent, int rounds, Consumer<Figures> listener) {
        AttributeBench bench = new AttributeBench(agent, rounds);
        RANGES.forEach(ranges -> listener.accept(bench.lookups(ranges)));
        listener.accept(bench.whileRegistering());
        listener.accept(bench.mapping(0));
        listener.accept(bench.mapping(9));
    }

    /** How long queries take, and what it takes to have registered so many ranges. */
    private Figures lookups(int ranges) {
        Figures figures = new Figures(ranges + (ranges == 1 ? " range" : " ranges"));
        double unregistered = kernelMemory(Segment.ram(ranges, 0));
        MemoryUse before = MemoryUse.atRest(agent);
        TestExporter exporter = exporter(Segment.ramWithoutCpu(ranges));
        double registered = MemoryUse.atRest(agent).since(before).total();
        if (ranges >= ENOUGH) {
            figures.add("memory of a range by PFN", "B", (registered - unregistered) / ranges);
        }
        Importer importer = Importer.attach(agent, exporter.buffer(), Wish.PFN_IMPORTER, name());
        for (int round = 0; round < rounds; round++) {
            query(figures, importer, 0, SAME);
            query(figures, importer, FAR, OTHERS);
        }
        importer.detach();
        return figures;
    }

    private void query(Figures figures, Importer importer, int step, String which) {
        figures.add(ALONE + which, "ns", nanoseconds(importer, "pfn", step));
        double asked = attributes(importer, false, step);
        double lookedUp = attributes(importer, true, step);
        figures.add(ASKED + which, "ns", asked);
        figures.add(LOOKED_UP + which, "ns", lookedUp);
        figures.add(RATIO + which, "x", lookedUp / asked);
    }

    /** What is plotted, of cases with times to compare. */
    static Optional<BarChart.Group> bars(Figures figures) {
        if (!figures.has(ALONE + OTHERS)) {
            return Optional.empty();
        }
        Map<String, Double> bars = new LinkedHashMap<>();
        for (String what : List.of(ALONE, ASKED, LOOKED_UP)) {
            bars.put(what, figures.median(what + OTHERS));
        }
        return Optional.of(new BarChart.Group(figures.title(), bars));
    }

    /** How many queries there are while ranges are being registered and taken back, and without. */
    private Figures whileRegistering() {
        Figures figures = new Figures("1000 ranges, while others are registered and taken back");
        TestExporter exporter = exporter(Segment.ramWithoutCpu(1_000));
        Importer importer = Importer.attach(agent, exporter.buffer(), Wish.PFN_IMPORTER, name());
        for (int round = 0; round < rounds; round++) {
            for (boolean byPfn : new boolean[] {false, true}) {
                lookUp(byPfn);
                String way = byPfn ? "looked up" : "asked";
                double alone = queriesPerSecond(race(importer));
                List<Race.Lane> lanes = race(importer).lane(registering()).run(RACE);
                double disturbed = perSecond(lanes.get(0));
                figures.add("queries, " + way + ", alone", "1/s", alone);
                figures.add("queries, " + way + ", disturbed", "1/s", disturbed);
                figures.add("disturbed / alone, " + way, "x", disturbed / alone);
                double written = (double) lanes.get(1).rounds() * WRITTEN / RACE.toSeconds();
                figures.add("ranges registered, " + way, "1/s", written);
            }
        }
        importer.detach();
        return figures;
    }

    /** All PFNs of a buffer in pieces of this order against a mapping of it for a PCI device. */
    private Figures mapping(int order) {
        Figures figures = new Figures("256 MiB of RAM in pieces of " + (4 << order) + " KiB");
        TestExporter exporter =
                TestExporter.create(
                        agent,
                        name(),
                        Lifetime.PINNED,
                        List.of(Segment.ram(MAPPED_PAGES, order)),
                        Ability.MAPPABLE);
        Importer pfns = Importer.attach(agent, exporter.buffer(), Wish.PFN_IMPORTER, name());
        Wish forDevice = Wish.PFN_IMPORTER.mapOnly().forDevice(new PciBus(agent).busMaster());
        Importer maps = Importer.attach(agent, exporter.buffer(), forDevice, name());
        for (int round = 0; round < rounds; round++) {
            double ranges = time(pfns, "ranges", 1, 0) / 1e3;
            double map = time(maps, "map", 1, 0) / 1e3;
            figures.add("all PFNs", "us", ranges);
            figures.add("map, walk, unmap", "us", map);
            figures.add("map / PFNs", "x", map / ranges);
            MemoryUse before = MemoryUse.atRest(agent);
            agent.call("importer.map", Map.of("name", maps.name()));
            figures.add(
                    "kernel memory while mapped",
                    "KiB",
                    MemoryUse.atRest(agent).since(before).total() / 1024.0);
            maps.unmap();
        }
        pfns.detach();
        maps.detach();
        return figures;
    }

    private double kernelMemory(Segment segment) {
        MemoryUse before = MemoryUse.atRest(agent);
        TestExporter exporter = exporter(segment);
        double taken = MemoryUse.atRest(agent).since(before).total();
        exporter.buffer().close();
        exporter.end();
        return taken;
    }

    private TestExporter exporter(Segment segment) {
        return TestExporter.create(agent, name(), Lifetime.PINNED, List.of(segment));
    }

    private String name() {
        return "buffer" + buffers++;
    }

    private double attributes(Importer importer, boolean byPfn, int step) {
        lookUp(byPfn);
        return nanoseconds(importer, "attrs", step);
    }

    private void lookUp(boolean byPfn) {
        agent.call("file.write", Map.of("path", BY_PFN, "text", byPfn ? "Y" : "N"));
    }

    /** Of one query. */
    private double nanoseconds(Importer importer, String what, int step) {
        return time(importer, what, QUERIES, step) / QUERIES;
    }

    private double time(Importer importer, String what, int count, int step) {
        return agent.call("importer.time", arguments(importer, what, count, step)).number("ns");
    }

    private static Map<String, ?> arguments(Importer importer, String what, int count, int step) {
        return Map.of("name", importer.name(), "what", what, "count", count, "step", step);
    }

    private Race race(Importer importer) {
        return new Race(agent)
                .lane(new Step("importer.time", arguments(importer, "attrs", READ_AT_ONCE, FAR)));
    }

    private static Step[] registering() {
        Segment segment = Segment.ramWithoutCpu(WRITTEN);
        return new Step[] {
            new Step(
                    "exporter.create",
                    TestExporter.arguments("short", Lifetime.PINNED, List.of(segment))),
            new Step("handle.close", Map.of("name", "short.dmabuf")),
            new Step("handle.close", Map.of("name", "short"))
        };
    }

    private static double queriesPerSecond(Race race) {
        return perSecond(race.run(RACE).get(0));
    }

    private static double perSecond(Race.Lane lane) {
        Race.Count reads = lane.steps().get(0);
        if (reads.ok() != lane.rounds()) {
            throw new InfrastructureException(
                    "the bench would not measure queries",
                    "some failed: " + reads,
                    "does `./lab run Attributes` pass?");
        }
        return (double) lane.rounds() * READ_AT_ONCE / RACE.toSeconds();
    }
}
