// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Importer.Wish;
import dmabuflab.guest.Job;
import dmabuflab.guest.Race;
import dmabuflab.guest.Race.Count;
import dmabuflab.guest.Race.Lane;
import dmabuflab.guest.Race.Step;
import dmabuflab.guest.TestExporter;
import dmabuflab.guest.TestExporter.Ability;
import dmabuflab.guest.TestExporter.Lifetime;
import dmabuflab.guest.TestExporter.Segment;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Memory that moves while it is used: where the content is, and where nothing is left of it. */
@Catalogue
class Moves {
    private static final Duration TIME = Duration.ofSeconds(3);
    private static final long PAGE = Exporter.PAGE;
    private static final int PAGES = 16;

    /** Offsets that are written, each with {@link #value}: in one page, and in others. */
    private static final List<Long> WRITTEN = List.of(64L, 3 * PAGE + 128, PAGES * PAGE - 8);

    /** What the exporter fills the old place with. */
    private static final byte POISON = (byte) 0xa5;

    private static long value(long offset) {
        return 0x0101_0101_0101_0101L * (1 + WRITTEN.indexOf(offset));
    }

    @Test
    @DisplayName("whoever asks during a move learns the new place when the content is there")
    @Proves({"PQ6", "MV1", "LC3"})
    void contentComesFirst(Testbed bed) {
        TestExporter exporter = movable(bed, Segment.ram(PAGES, 0));
        int elsewhere = exporter.place(Segment.ram(PAGES, 2));
        Importer importer = bed.importer(exporter.buffer());
        importer.write(64, 7);
        assertThat(importer.query(0).pfn()).isEqualTo(exporter.pfn(0, 0));

        exporter.startMove(elsewhere);
        Job read =
                Job.start(
                        bed.agent(),
                        "importer.read",
                        Map.of("name", importer.name(), "offset", 64));
        assertThat(read.await(Duration.ofSeconds(1))).as("a read before the content").isEmpty();
        exporter.finish();

        assertThat(bed.complete(read).number("value")).isEqualTo(7);
        assertThat(importer.query(0).pfn()).isEqualTo(exporter.pfn(elsewhere, 0));
        assertThat(word(bed, exporter.pfn(elsewhere, 0), 64)).isEqualTo(7);
        assertThat(content(bed, exporter, 0)).as("the old place").containsOnly(POISON);
    }

    @EachImporter({ImporterKind.GPU, ImporterKind.KVM, ImporterKind.RXE_ON_DEMAND})
    @DisplayName("no write is lost, and none reaches a place that the buffer has left")
    @Proves({"MV1", "MV2", "MV3", "LC3", "RD3", "KV2"})
    @Devices("ivshmem:16M")
    void underLoad(Testbed bed, ImporterKind kind) {
        Exporter device = bed.exporter();
        TestExporter exporter = movable(bed, Segment.ram(PAGES, 0));
        int whole = exporter.place(Segment.ram(PAGES, 4));
        int bar = exporter.place(Segment.bar(device.vfio().bdf(), device.bar(), 1 << 20, PAGES));
        int mixed =
                exporter.place(
                        Segment.ram(PAGES / 2, 1),
                        Segment.bar(device.vfio().bdf(), device.bar(), 4 << 20, PAGES / 2));
        ImporterUnderTest.Racing importer = ImporterUnderTest.racing(kind, bed);
        assertThat(importer.attach(exporter.buffer()).errno()).isEmpty();

        List<Lane> lanes =
                new Race(bed.agent())
                        .lane(
                                WRITTEN.stream()
                                        .map(offset -> importer.step(offset, value(offset)))
                                        .toArray(Step[]::new))
                        .lane(move(exporter, whole), move(exporter, bar), move(exporter, mixed))
                        .run(TIME);

        for (Lane lane : lanes) {
            for (Count step : lane.steps()) {
                assertThat(step.ok()).as("%s", step).isEqualTo(lane.rounds()).isPositive();
                assertThat(step.exits().keySet()).as("%s", step).isSubsetOf("complete", "success");
            }
        }
        // Not back where it began: an importer that never moved would have written there.
        assertThat(content(bed, device, exporter, mixed)).as("the buffer").isEqualTo(expected());
        for (int place : List.of(0, whole, bar)) {
            assertThat(content(bed, device, exporter, place))
                    .as("place %d", place)
                    .containsOnly(POISON);
        }
    }

    @Test
    @DisplayName("a region follows its buffer to where a CPU can copy, and nowhere else")
    @Proves({"AT3", "RD3", "LC3"})
    @Devices("ivshmem:16M")
    void notWhereNoCpuCan(Testbed bed) {
        Exporter device = bed.exporter();
        String bdf = device.vfio().bdf();
        TestExporter exporter = movable(bed, Segment.ram(PAGES, 0));
        int ram = exporter.place(Segment.ramWithoutCpu(PAGES));
        int bar = exporter.place(Segment.barWithoutCpu(bdf, device.bar(), 1 << 20, PAGES));
        int last = exporter.place(Segment.bar(bdf, device.bar(), 4 << 20, PAGES));
        ImporterUnderTest importer = ImporterUnderTest.racing(ImporterKind.RXE_ON_DEMAND, bed);
        assertThat(importer.attach(exporter.buffer()).errno()).isEmpty();
        assertThat(importer.write(64, 7)).isTrue();

        for (int place : List.of(ram, bar)) {
            exporter.move(place);
            byte[] moved = content(bed, device, exporter, place);
            assertThat(moved[64]).as("what was written before").isEqualTo((byte) 7);
            assertThat(importer.write(64, 8)).as("a write to place %d", place).isFalse();
            assertThat(content(bed, device, exporter, place)).isEqualTo(moved);
        }
        exporter.move(last);
        assertThat(importer.write(64, 9)).isTrue();
        assertThat(device.memory().readLong((4 << 20) + 64)).isEqualTo(9);
    }

    @Test
    @DisplayName(
            "an exporter that can pins memory for who tolerates nothing else, until it is gone")
    @Proves({"LC1", "LC4", "NG1"})
    void pinnedForWhoCannotFollow(Testbed bed) {
        bed.requireSeries("lifetimes");
        TestExporter exporter =
                TestExporter.create(
                        bed.agent(),
                        "exporter",
                        Lifetime.DYNAMIC,
                        List.of(Segment.ram(PAGES, 0)),
                        Ability.CAN_PIN);
        int elsewhere = exporter.place(Segment.ram(PAGES, 2));
        Wish pinnedOnly = Wish.PFN_IMPORTER.tolerating(EnumSet.of(Lifetime.PINNED));
        Importer follower = bed.importer(exporter.buffer());
        Importer pinned = bed.importer(exporter.buffer(), pinnedOnly.withoutNotify());
        pinned.write(64, 7);

        Answer refused = exporter.tryMove(elsewhere);

        assertThat(refused.errno()).isEqualTo("EBUSY");
        assertThat(pinned.query(0).pfn()).isEqualTo(exporter.pfn(0, 0));
        assertThat(word(bed, exporter.pfn(0, 0), 64)).isEqualTo(7);
        pinned.detach();
        exporter.move(elsewhere);
        assertThat(follower.read(64)).isEqualTo(7);
        assertThat(word(bed, exporter.pfn(elsewhere, 0), 64)).isEqualTo(7);
    }

    @Test
    @DisplayName("a client cannot end a compositor by handing it a buffer and revoking that")
    @Proves({"NG1", "NG2"})
    void compositorOutlivesItsClients(Testbed bed) {
        bed.requireSeries("lifetimes");
        Wish compositor =
                Wish.PFN_IMPORTER
                        .asCompositor()
                        .tolerating(EnumSet.of(Lifetime.PINNED, Lifetime.DYNAMIC));
        TestExporter hostile =
                TestExporter.create(
                        bed.agent(), "hostile", Lifetime.REVOCABLE, List.of(Segment.ram(PAGES, 0)));

        Answer taken = bed.tryImporter(hostile.buffer(), compositor, "window");
        if (taken.ok()) {
            Importer window = Importer.attached(bed.agent(), "window");
            window.write(64, 7);
            hostile.revoke();
            assertThat(window.tryWrite(64, 8).errno()).as("compositing").isEmpty();
        }

        assertThat(taken.errno()).isEqualTo("EOPNOTSUPP");
        assertThat(content(bed, hostile, 0)).as("the client's buffer").containsOnly(0);
        TestExporter honest = movable(bed, Segment.ram(PAGES, 0));
        int elsewhere = honest.place(Segment.ram(PAGES, 2));
        Importer window = bed.importer(honest.buffer(), compositor);
        window.write(64, 7);
        honest.move(elsewhere);
        assertThat(window.tryWrite(64, 8).errno()).isEmpty();
        assertThat(word(bed, honest.pfn(elsewhere, 0), 64)).isEqualTo(8);
    }

    private static TestExporter movable(Testbed bed, Segment... first) {
        bed.requireSeries("lifetimes");
        return TestExporter.create(bed.agent(), "movable", Lifetime.DYNAMIC, List.of(first));
    }

    private static Step move(TestExporter exporter, int place) {
        return new Step("exporter.move", Map.of("name", exporter.name(), "to", place));
    }

    private static byte[] expected() {
        ByteBuffer bytes = ByteBuffer.allocate((int) (PAGES * PAGE)).order(ByteOrder.LITTLE_ENDIAN);
        WRITTEN.forEach(offset -> bytes.putLong((int) (long) offset, value(offset)));
        return bytes.array();
    }

    private static long word(Testbed bed, long pfn, long offset) {
        return bed.ram().readLong(pfn * PAGE + offset);
    }

    /** All bytes of a place in RAM, from outside. */
    private static byte[] content(Testbed bed, TestExporter exporter, int place) {
        return content(exporter, place, pfn -> bed.ram().read(pfn * PAGE, (int) PAGE));
    }

    /** The same of a place that may be in the BAR of a device. */
    private static byte[] content(Testbed bed, Exporter device, TestExporter exporter, int place) {
        return content(
                exporter,
                place,
                pfn -> {
                    long inBar = pfn - device.pfn(0);
                    return inBar >= 0 && inBar < device.size() / PAGE
                            ? device.memory().read(inBar * PAGE, (int) PAGE)
                            : bed.ram().read(pfn * PAGE, (int) PAGE);
                });
    }

    private static byte[] content(
            TestExporter exporter, int place, LongFunction<byte[]> pageOfPfn) {
        ByteBuffer all = ByteBuffer.allocate((int) (PAGES * PAGE));
        for (int page = 0; page < PAGES; page++) {
            all.put(pageOfPfn.apply(exporter.pfn(place, page)));
        }
        return all.array();
    }
}
