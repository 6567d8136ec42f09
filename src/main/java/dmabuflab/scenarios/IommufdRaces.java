// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Edu;
import dmabuflab.guest.GuestProcess;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.Job;
import dmabuflab.guest.Race;
import dmabuflab.guest.Race.Count;
import dmabuflab.guest.Race.Lane;
import dmabuflab.guest.Race.Step;
import dmabuflab.guest.VfioDevice;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Everything iommufd does with a buffer, at the same time as its exporter revokes and gives back.
 */
@Catalogue
@Devices({"ivshmem:16M", "edu"})
class IommufdRaces {
    private static final long PAGE = Exporter.PAGE;
    private static final Range[] TWO = {
        new Range(2 << 20, 64 * PAGE), new Range(8 << 20, 64 * PAGE)
    };
    private static final Duration TIME = Duration.ofSeconds(3);

    @Test
    @DisplayName("mapping and unmapping while the exporter revokes and gives back")
    @Proves({"RV4", "RV6", "UR3"})
    void mapAgainstRevoke(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, bed.dmaEngine(ioas), TWO);

        List<Lane> lanes =
                new Race(bed.agent())
                        .lane(
                                new Step("ioas.map", window.mapArguments()),
                                new Step("ioas.unmap", window.unmapArguments()))
                        .lane(toggling(exporter))
                        .run(TIME);

        Count map = lanes.get(0).steps().get(0);
        assertThat(map.ok()).as("mappings that succeeded").isPositive();
        assertThat(map.errors().keySet()).as("why mappings failed").isSubsetOf("ENODEV");
        assertToggled(lanes.get(1));
        assertThat(bed.attachments()).isZero();
        window.map().assertWorks();
    }

    @Test
    @DisplayName("a device joins and leaves the address space while the exporter revokes")
    @Proves({"RV4", "RV6", "UR3"})
    void attachAgainstRevoke(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, edu, TWO).map();

        List<Lane> lanes =
                new Race(bed.agent())
                        .lane(
                                new Step("vfio.detach", Map.of("dev", edu.device().name())),
                                new Step(
                                        "vfio.attach",
                                        Map.of("dev", edu.device().name(), "pt", ioas.name())))
                        .lane(toggling(exporter))
                        .run(TIME);

        assertAllSucceeded(lanes.get(0));
        assertToggled(lanes.get(1));
        window.assertWorks();
        exporter.vfio().memory(false);
        window.assertCutOff();
    }

    @Test
    @DisplayName("buffers are made and closed while the exporter revokes: none stays or is lost")
    @Proves("RV6")
    void closeAgainstRevoke(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, bed.dmaEngine(ioas), TWO).map();
        Map<String, ?> range = Map.of("offset", 0, "length", 16 * PAGE);

        List<Lane> lanes =
                new Race(bed.agent())
                        .lane(
                                new Step(
                                        "dmabuf.export",
                                        Map.of(
                                                "dev",
                                                exporter.vfio().name(),
                                                "bar",
                                                exporter.bar(),
                                                "ranges",
                                                List.of(range),
                                                "name",
                                                "short")),
                                new Step("handle.close", Map.of("name", "short")))
                        .lane(toggling(exporter))
                        .run(TIME);

        assertAllSucceeded(lanes.get(0));
        assertToggled(lanes.get(1));
        assertThat(bed.buffers()).as("dma-bufs: the one that is mapped").isEqualTo(1);
        window.assertWorks();
    }

    @Test
    @DisplayName("two exporters in one address space revoke at the same time")
    @Proves({"RV2", "UR3", "RV6"})
    @Devices({"ivshmem:16M", "ivshmem:16M", "edu"})
    void twoExporters(Testbed bed) {
        Exporter one = bed.exporter();
        Exporter other = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        long length = TWO[0].length() + TWO[1].length();
        DmaWindow first = DmaWindow.of(bed, one, ioas, edu, TWO).map();
        DmaWindow second =
                DmaWindow.of(bed, other, ioas, edu, TWO).part(0, length, DmaWindow.IOVA / 2).map();

        List<Lane> lanes =
                new Race(bed.agent()).lane(toggling(one)).lane(toggling(other)).run(TIME);

        lanes.forEach(IommufdRaces::assertToggled);
        first.assertWorks();
        second.assertWorks();
        one.vfio().memory(false);
        first.assertCutOff();
        second.assertWorks();
    }

    @Test
    @DisplayName("a process killed while it maps and revokes leaves nothing, and DMA has ended")
    @Proves({"RV6", "RV2"})
    void processKilled(Testbed bed) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, edu, TWO).map();
        GuestProcess victim = GuestProcess.start(bed.agent(), "victim");
        DmaBuf given = victim.give(window.buffer());
        Ioas theirs = Ioas.alloc(victim.agent(), "theirs");
        Job busy =
                Job.start(
                        bed.agent(),
                        "process.call",
                        Map.of(
                                "name",
                                victim.name(),
                                "run",
                                "race.run",
                                "args",
                                Map.of("seconds", 600, "lanes", List.of(mapping(theirs, given)))));
        new Race(bed.agent()).lane(toggling(exporter)).run(TIME);

        victim.kill();

        assertThat(bed.complete(busy).ok()).as("what the victim was doing").isFalse();
        assertThat(bed.attachments()).as("attachments: our own").isEqualTo(1);
        window.assertWorks();
        window.unmap();
        window.buffer().close();
        assertThat(bed.buffers()).isZero();
        exporter.vfio().close();
        Job unbind = Job.start(bed.agent(), "pci.unbind", Map.of("bdf", exporter.vfio().bdf()));
        assertThat(bed.complete(unbind)).matches(Answer::ok);
        VfioDevice.open(bed.agent(), exporter.vfio().bdf(), "again");
    }

    private static List<Map<String, ?>> mapping(Ioas ioas, DmaBuf buffer) {
        long length = TWO[0].length() + TWO[1].length();
        return List.of(
                Map.of(
                        "run",
                        "ioas.map",
                        "args",
                        ioas.mapArguments(buffer, DmaWindow.IOVA, 0, length)),
                Map.of(
                        "run",
                        "ioas.unmap",
                        "args",
                        Map.of("ioas", ioas.name(), "iova", DmaWindow.IOVA, "length", length)));
    }

    private static Step[] toggling(Exporter exporter) {
        String name = exporter.vfio().name();
        return new Step[] {
            new Step("vfio.command", Map.of("dev", name, "memory", 0)),
            new Step("vfio.command", Map.of("dev", name, "memory", 1))
        };
    }

    private static void assertToggled(Lane lane) {
        assertThat(lane.rounds()).as("revokes").isGreaterThan(10);
        assertAllSucceeded(lane);
    }

    private static void assertAllSucceeded(Lane lane) {
        assertThat(lane.steps()).allSatisfy(step -> assertThat(step.failed()).isZero());
        assertThat(lane.rounds()).isPositive();
    }
}
