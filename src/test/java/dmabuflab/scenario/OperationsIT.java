// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dmabuflab.guest.AgentRefusal;
import dmabuflab.guest.Answer;
import dmabuflab.guest.BarMapping;
import dmabuflab.guest.Batch;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Fault;
import dmabuflab.guest.Fault.Injection;
import dmabuflab.guest.GuestProcess;
import dmabuflab.guest.Hold;
import dmabuflab.guest.Hwpt;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Importer.Run;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.Job;
import dmabuflab.guest.MemoryUse;
import dmabuflab.guest.PciBus;
import dmabuflab.guest.PluggedDevice;
import dmabuflab.guest.Race;
import dmabuflab.guest.Race.Step;
import dmabuflab.guest.SharedMemory;
import dmabuflab.guest.VfioDevice;
import dmabuflab.guest.VfioDevice.Flr;
import dmabuflab.guest.VfioDevice.Range;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the agent's operations do and how they refuse, whatever scenarios conclude from it. */
@Catalogue
@KernelsWordOnly("tests the agent, makes no claim about memory")
@Devices("ivshmem:16M")
class OperationsIT {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final long SOME_PAGES = 64 * Exporter.PAGE;
    private static final byte[] WORD = {1, 2, 3, 4};

    /** A device with every capability that the house's own devices lack. */
    private static VfioDevice capable(Testbed bed, Path directory) throws Exception {
        Files.writeString(
                directory.resolve("rng.cfg"),
                "[device \"rng\"]\n  driver = \"virtio-rng-pci\"\n  disable-legacy = \"on\"\n");
        PluggedDevice device = bed.guest().plug(directory, "rng");
        bed.agent().attempt("pci.unbind", Map.of("bdf", device.bdf()));
        return VfioDevice.open(bed.agent(), device.bdf(), "rng");
    }

    @Test
    void resetsOfADeviceThatHasThem(Testbed bed, @TempDir Path directory) throws Exception {
        VfioDevice device = capable(bed, directory);

        assertThat(device.capability(0x10)).as("PCI Express").isPositive();
        device.flr(Flr.PCIE);
        assertThat(device.tryFlr(Flr.AF).errno()).isEqualTo("EOPNOTSUPP");
        assertThat(device.power(3)).isEqualTo(3);
        assertThat(device.power(0)).isZero();
        device.lowPower(true);
        assertThat(device.tryLowPower(true).errno()).isEqualTo("EINVAL");
        device.lowPower(false);
        device.lowPowerUntilAccess();
        device.lowPower(false);
    }

    @Test
    void resetsOfADeviceThatHasNone(Testbed bed) {
        VfioDevice device = bed.exporter().vfio();

        assertThat(device.capability(0x10)).isZero();
        assertThat(device.tryFlr(Flr.PCIE).errno()).isEqualTo("EOPNOTSUPP");
        assertThat(device.tryFlr(Flr.AF).errno()).isEqualTo("EOPNOTSUPP");
        assertThat(device.tryPower(3).errno()).isEqualTo("EOPNOTSUPP");
    }

    @Test
    void aHotResetAffectsTheWholeSlot(Testbed bed) {
        VfioDevice device = bed.exporter().vfio();

        device.hotReset();

        assertThat(device.hotResetInfo())
                .singleElement()
                .matches(affected -> affected.bdf().equals(device.bdf()))
                .matches(affected -> affected.devid() > 0);
    }

    @Test
    void aDeviceGoesAndComesBack(Testbed bed) {
        Exporter exporter = bed.exporter();
        String bdf = exporter.vfio().bdf();
        PciBus bus = new PciBus(bed.agent());

        Answer early = bed.agent().attempt("pci.gone", Map.of("bdf", bdf, "timeout_ms", 1));
        exporter.vfio().close();
        bus.remove(bdf);
        bus.awaitGone(bdf, LIMIT);
        bus.rescan();

        assertThat(early.errno()).isEqualTo("ETIMEDOUT");
        VfioDevice.open(bed.agent(), bdf, "again");
    }

    @Test
    void aMappingIsTheBarUntilItRaisesSigbus(Testbed bed) {
        Exporter exporter = bed.exporter();
        BarMapping mapping =
                exporter.vfio().map(exporter.bar(), new Range(0x10000, 0x2000), "mapping");

        mapping.write(0x1004, WORD);

        assertThat(exporter.memory().read(0x11004, 4)).isEqualTo(WORD);
        assertThat(mapping.read(0x1004, 4)).isEqualTo(WORD);
        assertThat(mapping.read(0x1003, 3)).isEqualTo(new byte[] {0, 1, 2});
        exporter.vfio().memory(false);
        assertThat(mapping.tryRead(0, 8).errno()).isEqualTo("SIGBUS");
        assertThat(mapping.tryWrite(0x1004, WORD).errno()).isEqualTo("SIGBUS");
        exporter.vfio().memory(true);
        assertThat(mapping.read(0x1004, 4)).isEqualTo(WORD);
        mapping.close();
    }

    @Test
    @Devices({"ivshmem:16M", "edu"})
    void aDeviceMovesBetweenPageTables(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        VfioDevice edu = bed.dmaEngine(ioas).device();
        Hwpt hwpt = Hwpt.alloc(bed.agent(), edu, ioas, "hwpt");
        ioas.mapReadOnly(exporter.exportAll(), 0x1000_0000, 0, Exporter.PAGE);

        edu.attach(hwpt);

        assertThat(bed.iommu().translate(edu, 0x1000_0000))
                .hasValueSatisfying(to -> assertThat(to.read() && !to.write()).isTrue());
        edu.attach(ioas);
        hwpt.destroy();
    }

    @Test
    void theNthAllocationFailsAndThenNothingIsLeft(Testbed bed) {
        Exporter exporter = bed.exporter();
        DmaBuf buffer = exporter.exportAll();
        Ioas ioas = bed.ioas();
        Fault fault = new Fault(bed.agent());
        Map<String, ?> arguments =
                Map.of(
                        "ioas",
                        ioas.name(),
                        "dmabuf",
                        buffer.name(),
                        "iova",
                        0x1000_0000,
                        "start",
                        0,
                        "length",
                        Exporter.PAGE);
        Set<String> errors = new TreeSet<>();

        int n = 1;
        Injection injection = fault.nth(n, "ioas.map", arguments);
        while (injection.injected()) {
            if (injection.answer().ok()) {
                ioas.unmap(0x1000_0000, Exporter.PAGE);
            } else {
                errors.add(injection.answer().errno());
            }
            injection = fault.nth(++n, "ioas.map", arguments);
        }

        assertThat(n).as("allocations of a map").isBetween(3, 100);
        // ENOENT is iommufd's own: with its self test it can fail to find an object.
        assertThat(errors).contains("ENOMEM").isSubsetOf("ENOMEM", "ENOENT");
        assertThat(injection.answer().ok()).isTrue();
    }

    @Test
    void aFunctionFailsAsOftenAsAsked(Testbed bed) {
        Fault fault = new Fault(bed.agent());
        List<String> errors = new ArrayList<>();

        fault.function("__x64_sys_memfd_create", "EIO", 2, 1);
        for (int i = 0; i < 4; i++) {
            errors.add(
                    bed.agent()
                            .attempt("dmabuf.udmabuf", Map.of("size", 4096, "name", "u" + i))
                            .errno());
        }

        assertThat(errors).containsExactly("", "EIO", "EIO", "");
        assertThat(fault.clear()).isEqualTo(2);
        assertThat(fault.tryFunction("vfs_read", "EIO", 1, 0).errno()).isEqualTo("ERANGE");
    }

    @Test
    void aProcessHasItsOwnHandlesUntilItIsKilled(Testbed bed) {
        Exporter exporter = bed.exporter();
        DmaBuf buffer = exporter.exportAll();
        GuestProcess process = GuestProcess.start(bed.agent(), "other");
        Importer importer =
                Importer.attach(
                        process.agent(),
                        process.give(buffer),
                        Importer.Wish.PFN_IMPORTER,
                        "importer");
        Job blocked =
                Job.start(
                        bed.agent(),
                        "process.call",
                        Map.of(
                                "name",
                                process.name(),
                                "run",
                                "importer.wait",
                                "args",
                                Map.of("name", "importer", "count", 1000)));

        assertThat(bed.agent().attempt("importer.events", Map.of("name", "importer")).errno())
                .isEqualTo("ENOENT");
        assertThat(bed.attachments()).isEqualTo(1);
        process.kill();

        assertThat(bed.complete(blocked).errno()).isEqualTo("ECONNRESET");
        assertThat(bed.attachments()).as("attachments of a process that is gone").isZero();
        assertThat(importer.tryQuery(0, "unlocked").errno()).isEqualTo("ENOENT");
    }

    @Test
    void aRaceCountsWhatHappened(Testbed bed) {
        Exporter exporter = bed.exporter();
        DmaBuf buffer = exporter.exportAll();
        Importer importer = bed.importer(buffer);
        String device = exporter.vfio().name();

        List<Race.Lane> lanes =
                new Race(bed.agent())
                        .lane(
                                new Step("vfio.command", Map.of("dev", device, "memory", 0)),
                                new Step("vfio.command", Map.of("dev", device, "memory", 1)))
                        .lane(
                                new Step(
                                        "importer.attach",
                                        Map.of("dmabuf", buffer.name(), "name", "brief")),
                                new Step("importer.detach", Map.of("name", "brief")))
                        .lane(
                                new Step("importer.query", Map.of("name", "brief", "pgoff", 1)),
                                new Step(
                                        "importer.query",
                                        Map.of("name", importer.name(), "pgoff", 1)))
                        .run(Duration.ofSeconds(3));

        assertThat(lanes).hasSize(3).allMatch(lane -> lane.rounds() > 1);
        assertThat(lanes.get(0).steps())
                .allMatch(step -> step.ok() == lanes.get(0).rounds() && step.failed() == 0);
        assertThat(lanes.get(1).steps().get(0).errors().keySet()).isSubsetOf("ENODEV");
        assertThat(lanes.get(2).steps().get(0).missed()).as("queries of no handle").isPositive();
        assertThat(lanes.get(2).steps().get(1).errors().keySet()).isSubsetOf("ENODEV");
        assertThat(importer.query(1).pfn()).isEqualTo(exporter.pfn(Exporter.PAGE));
    }

    @Test
    void aRaceMayCloseWhatOthersUse(Testbed bed) {
        Exporter exporter = bed.exporter();
        String device = exporter.vfio().name();
        Map<String, ?> range = Map.of("offset", 0, "length", Exporter.PAGE);
        Step enable = new Step("vfio.command", Map.of("dev", device, "memory", 1));

        Race race =
                new Race(bed.agent())
                        .lane(
                                new Step("vfio.close", Map.of("name", device)),
                                new Step(
                                        "vfio.open",
                                        Map.of("bdf", exporter.vfio().bdf(), "name", device)),
                                enable)
                        .lane(
                                enable,
                                new Step(
                                        "dmabuf.export",
                                        Map.of(
                                                "dev",
                                                device,
                                                "bar",
                                                exporter.bar(),
                                                "ranges",
                                                List.of(range),
                                                "name",
                                                "buffer")),
                                new Step(
                                        "importer.attach",
                                        Map.of("dmabuf", "buffer", "name", "importer")),
                                new Step("handle.close", Map.of("name", "buffer")))
                        .lane(
                                new Step("importer.query", Map.of("name", "importer", "pgoff", 0)),
                                new Step("importer.detach", Map.of("name", "importer")));

        // The device is closed most of the time, so whether a buffer gets through is up to chance.
        AtomicLong exports = new AtomicLong();
        AtomicLong detaches = new AtomicLong();
        bed.await(
                "a buffer that is exported, attached and detached between two closes",
                () -> {
                    List<Race.Lane> lanes = race.run(Duration.ofSeconds(1));
                    assertThat(lanes.get(0).steps())
                            .allMatch(
                                    step -> step.ok() == lanes.get(0).rounds(),
                                    "nobody else closes it");
                    for (Race.Count step : lanes.get(1).steps()) {
                        assertThat(step.errors().keySet()).as(step.op()).isSubsetOf("ENODEV");
                    }
                    exports.addAndGet(lanes.get(1).steps().get(1).ok());
                    detaches.addAndGet(lanes.get(2).steps().get(1).ok());
                    return exports.get() > 0 && detaches.get() > 0;
                });
        bed.agent().attempt("importer.detach", Map.of("name", "importer"));
        assertThat(bed.buffers()).as("dma-bufs left").isZero();
    }

    @Test
    void aCallIsHeldUntilItMayReturn(Testbed bed) {
        Importer importer = bed.importer(bed.exporter().exportAll());
        Map<String, ?> query = Map.of("name", importer.name(), "pgoff", 0);
        Job held;
        try (Hold hold = Hold.at(bed.agent(), "dma_buf_get_pfn_unlocked")) {
            held = Job.start(bed.agent(), "importer.query", query);
            hold.await(LIMIT);
            assertThat(bed.agent().call("importer.query", query).number("pfn"))
                    .as("by another call meanwhile")
                    .isPositive();
            assertThat(held.await(Duration.ZERO)).isEmpty();
        }
        assertThat(bed.complete(held).number("pfn")).isPositive();
    }

    @Test
    void holdsThatCannotBe(Testbed bed) {
        assertThat(tryHold(bed, "there_is_no_such_function").errno()).isEqualTo("ENOENT");
        try (Hold hold = Hold.at(bed.agent(), "dma_buf_get_pfn_unlocked")) {
            assertThat(tryHold(bed, "dma_buf_get_pfn").errno()).isEqualTo("EBUSY");
            assertThatThrownBy(() -> hold.await(Duration.ZERO)).isInstanceOf(AssertionError.class);
        }
        Hold.at(bed.agent(), "dma_buf_get_pfn").close();
    }

    private static Answer tryHold(Testbed bed, String function) {
        return bed.agent().attempt("hold.at", Map.of("function", function, "name", "other"));
    }

    @Test
    void sharedMemoryIsABufferInPiecesThatAreApart(Testbed bed) {
        int pages = 64;
        long size = pages * Exporter.PAGE;
        try (SharedMemory memory =
                SharedMemory.of(bed.agent(), size, Exporter.PAGE, false, "shared")) {
            memory.mapping().write(size - Exporter.PAGE, WORD);

            List<Run> runs = bed.importer(memory.buffer()).runs(0, pages);

            Run last = runs.get(runs.size() - 1);
            assertThat(runs).hasSizeGreaterThan(pages * 3 / 4);
            assertThat(bed.ram().read((last.pfn() + last.pages() - 1) * Exporter.PAGE, WORD.length))
                    .isEqualTo(WORD);
        }
    }

    @Test
    void aBatchEndsAtTheFirstThatFails(Testbed bed) {
        Step fine = new Step("rlimit.nofile", Map.of("soft", 0));
        Step wrong = new Step("handle.close", Map.of("name", "nobody"));

        assertThat(Batch.run(bed.agent(), List.of(fine, fine))).hasSize(2).allMatch(Answer::ok);
        assertThatThrownBy(() -> Batch.run(bed.agent(), List.of(fine, wrong, fine)))
                .isInstanceOf(AgentRefusal.class)
                .hasMessageContaining("ENOENT");
    }

    @Test
    void whatTheKernelTakesOfMemoryIsSeenToAFewPages(Testbed bed) {
        long size = 8 << 20;
        DmaBuf.heap(bed.agent(), size, "before").close();

        MemoryUse before = MemoryUse.atRest(bed.agent());
        DmaBuf buffer = DmaBuf.heap(bed.agent(), size, "buffer");
        MemoryUse taken = MemoryUse.atRest(bed.agent()).since(before);
        buffer.close();
        MemoryUse left = MemoryUse.atRest(bed.agent()).since(before);

        assertThat(taken.total()).isCloseTo(size, within(SOME_PAGES));
        assertThat(taken.slab()).isCloseTo(0, within(SOME_PAGES));
        assertThat(left.total()).isCloseTo(0, within(SOME_PAGES));
    }
}
