// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.cli.RegistrationSamples.Cost;
import dmabuflab.cli.RegistrationSamples.Round;
import dmabuflab.guest.Agent;
import dmabuflab.guest.Answer;
import dmabuflab.guest.BarMapping;
import dmabuflab.guest.Batch;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Guest;
import dmabuflab.guest.Importer;
import dmabuflab.guest.MemoryRegion;
import dmabuflab.guest.MemoryUse;
import dmabuflab.guest.NetInterface;
import dmabuflab.guest.PciBus;
import dmabuflab.guest.PluggedDevice;
import dmabuflab.guest.Race.Step;
import dmabuflab.guest.RdmaEndpoint;
import dmabuflab.guest.RdmaLink;
import dmabuflab.guest.SharedMemory;
import dmabuflab.guest.VfioDevice;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.host.InfrastructureException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Measures what it takes to register memory for RDMA inside a guest: by its PFNs, as rxe registers
 * a dma-buf, against by a scatterlist.
 *
 * <p>The same memory is registered several times at once, so that a page of kernel memory more or
 * less does not show.
 */
final class RegistrationBench {
    private static final long KIB = 1 << 10;
    private static final long MIB = 1 << 20;
    private static final long PAGE = 4 * KIB;
    private static final long HUGE_PAGE = 2 * MIB;

    /** What the guest has room for twice. */
    private static final long RAM = 512 * MIB;

    private static final long BAR = 1024 * MIB;
    private static final String DEVICE = "ivshmem:1G";

    /** The one of ivshmem that is its memory. */
    private static final int BAR_INDEX = 2;

    /** Kernel memory that may be left behind by all regions together, where caches have grown. */
    private static final long LEFT = 128 * KIB;

    /** Of pieces that the allocator has put next to each other nevertheless. */
    private static final double JOINED = 0.05;

    /** As many regions as it takes that a page more or less of all does not show. */
    private static final int MANY = 400;

    /** What one answer tells of contiguous runs. */
    private static final int RUNS = 512;

    private static final String HUGE_PAGES = "/proc/sys/vm/nr_hugepages";

    /** A way to register so many bytes under a name, and to undo that: the agent's operations. */
    private record Way(
            BiFunction<String, Long, Step> register, BiFunction<String, Long, Step> deregister) {
        static Way ofRegions(BiFunction<String, Long, Map<String, ?>> arguments) {
            return new Way(
                    (name, size) -> new Step("rdma.mr", arguments.apply(name, size)),
                    (name, size) -> new Step("rdma.dereg", Map.of("mr", name)));
        }
    }

    private final Agent agent;
    private final int rounds;
    private final RdmaEndpoint server;
    private final WriteBench writes;

    private RegistrationBench(Agent agent, int rounds) {
        this.agent = agent;
        this.rounds = rounds;
        NetInterface network = NetInterface.dummy(agent, "net0");
        network.address("10.0.0.1/24");
        RdmaLink link = RdmaLink.create(agent, "rxe0", network);
        server = link.open("server");
        writes = new WriteBench(agent, link.open("client"), server);
    }

    /** Measures that often in a guest where nobody else does anything, and tells kind by kind. */
    static void run(Guest guest, Path devices, int rounds, Consumer<RegistrationSamples> listener) {
        RegistrationBench bench = new RegistrationBench(guest.agent(), rounds);
        PluggedDevice plugged = guest.plug(devices, DEVICE);
        listener.accept(bench.ram("RAM in pieces of 4 KiB", PAGE, false, 8));
        listener.accept(bench.ram("RAM in pieces of 2 MiB", HUGE_PAGE, true, 200));
        listener.accept(bench.bar(VfioDevice.open(guest.agent(), plugged.bdf(), "device")));
    }

    private RegistrationSamples ram(String kind, long piece, boolean huge, int regions) {
        RegistrationSamples samples =
                new RegistrationSamples(
                        kind, "scatterlist: rxe's region of an mmap of the same memory", RAM);
        if (huge) {
            reserveHugePages();
        }
        try (SharedMemory memory = SharedMemory.of(agent, RAM, piece, huge, "ram")) {
            requirePieces(memory.buffer(), RAM, RAM / piece);
            Way byPfn = byPfn(memory.buffer());
            Way byMmap =
                    Way.ofRegions((name, size) -> server.arguments(name, memory.mapping(), size));
            measure(samples, byPfn, byMmap, RAM, regions);
            MemoryRegion pfn = server.register("pfn", memory.buffer(), 0, RAM);
            MemoryRegion mmap = server.register("mmap", memory.mapping(), RAM);
            writes.measure(samples, memory.mapping(), rounds, pfn, Optional.of(mmap));
            pfn.deregister();
            mmap.deregister();
        }
        return samples;
    }

    private void reserveHugePages() {
        String pages = Long.toString(RAM / HUGE_PAGE);
        agent.call("file.write", Map.of("path", HUGE_PAGES, "text", pages));
        String got = agent.call("file.read", Map.of("path", HUGE_PAGES)).text("text").strip();
        if (!got.equals(pages)) {
            throw wrong("the guest has room for " + got + " huge pages, not for " + pages);
        }
    }

    private RegistrationSamples bar(VfioDevice device) {
        RegistrationSamples samples =
                new RegistrationSamples(
                        "BAR of 1 GiB",
                        "scatterlist: a mapping for a PCI device alone, as rxe can have none",
                        BAR);
        DmaBuf buffer = device.export(BAR_INDEX, List.of(new Range(0, BAR)), "bar");
        DmaBuf page = device.export(BAR_INDEX, List.of(new Range(0, PAGE)), "page");
        requirePieces(buffer, BAR, 1);
        Importer forAll = attach(buffer, "all");
        Importer forPage = attach(page, "page-of-it");
        requireWhole(forAll, BAR);
        requireWhole(forPage, PAGE);
        Function<Long, Importer> importer = size -> size == PAGE ? forPage : forAll;
        Way mapped =
                new Way(
                        (name, size) -> new Step("importer.map", name(importer.apply(size))),
                        (name, size) -> new Step("importer.unmap", name(importer.apply(size))));
        measure(samples, byPfn(buffer), mapped, BAR, MANY);
        MemoryRegion pfn = server.register("pfn", buffer, 0, BAR);
        BarMapping mapping = device.map(BAR_INDEX, new Range(0, BAR), "bar-mapping");
        writes.measure(samples, mapping, rounds, pfn, Optional.empty());
        return samples;
    }

    private Importer attach(DmaBuf buffer, String name) {
        Importer.Wish wish =
                Importer.Wish.PFN_IMPORTER.mapOnly().forDevice(new PciBus(agent).busMaster());
        return Importer.attach(agent, buffer, wish, name);
    }

    private static Map<String, ?> name(Importer importer) {
        return Map.of("name", importer.name());
    }

    private void requireWhole(Importer importer, long size) {
        Answer mapped = agent.call("importer.map", name(importer));
        importer.unmap();
        if (mapped.number("nents") != 1 || mapped.number("dma_len") != size) {
            throw wrong(size + " bytes were mapped as " + mapped.json());
        }
    }

    private Way byPfn(DmaBuf buffer) {
        return Way.ofRegions((name, size) -> server.arguments(name, buffer, 0, size, 0));
    }

    /** It is as fragmented as it is said to be, as far as a look at some of it tells. */
    private void requirePieces(DmaBuf buffer, long size, long pieces) {
        long pages = size / PAGE;
        long some = Math.min(pages, RUNS * pages / pieces);
        Importer importer = Importer.attach(agent, buffer, Importer.Wish.PFN_IMPORTER, "fragments");
        int runs = importer.runs(pages - some, some).size();
        importer.detach();
        long expected = some * pieces / pages;
        if (runs > expected || runs < expected * (1 - JOINED)) {
            throw wrong(runs + " contiguous pieces instead of " + expected);
        }
    }

    private void measure(
            RegistrationSamples samples, Way pfn, Way scatterlist, long size, int regions) {
        // Not counted: the guest's caches and page tables grow, and stay so.
        warmUp(pfn, size, regions);
        warmUp(scatterlist, size, regions);
        for (int i = 0; i < rounds; i++) {
            samples.add(round(pfn, size, regions), round(scatterlist, size, regions));
        }
    }

    private void warmUp(Way way, long size, int regions) {
        for (long each : new long[] {PAGE, size}) {
            int many = each == PAGE ? MANY : regions;
            nanoseconds(way.register(), each, many);
            nanoseconds(way.deregister(), each, many);
        }
    }

    private Round round(Way way, long size, int regions) {
        return new Round(cost(way, PAGE, MANY), cost(way, size, regions));
    }

    private Cost cost(Way way, long size, int regions) {
        MemoryUse before = MemoryUse.atRest(agent);
        double register = nanoseconds(way.register(), size, regions);
        MemoryUse taken = MemoryUse.atRest(agent).since(before);
        double deregister = nanoseconds(way.deregister(), size, regions);
        MemoryUse left = MemoryUse.atRest(agent).since(before);
        if (Math.abs(left.total()) > LEFT) {
            throw wrong(left.total() + " bytes of kernel memory are left of " + taken.total());
        }
        double n = regions;
        return new Cost(taken.total() / n, taken.slab() / n, register, deregister);
    }

    /** Of one of so many. */
    private double nanoseconds(BiFunction<String, Long, Step> what, long size, int regions) {
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < regions; i++) {
            steps.add(what.apply("region" + i, size));
        }
        return Batch.run(agent, steps).stream()
                .mapToLong(answer -> answer.number("ns"))
                .average()
                .orElseThrow();
    }

    static InfrastructureException wrong(String why) {
        return new InfrastructureException(
                "the bench would not measure what registering memory takes",
                why,
                "does `./lab run 'Rdma*'` pass?");
    }
}
