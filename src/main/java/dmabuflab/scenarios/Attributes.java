// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Importer.Run;
import dmabuflab.guest.Importer.Wish;
import dmabuflab.guest.Memslot;
import dmabuflab.guest.TestExporter;
import dmabuflab.guest.TestExporter.Lifetime;
import dmabuflab.guest.TestExporter.Segment;
import dmabuflab.guest.VfioDevice;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.Vm;
import dmabuflab.scenario.BuiltIn;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What importers are told of the memory at a PFN. There are two ways for the kernel to find out, by
 * asking the exporter and by looking it up, and each scenario hears both.
 */
@Catalogue
class Attributes {
    private static final String BY_PFN = "/sys/module/dma_buf_pfn_attrs/parameters/by_pfn";
    private static final String BUFINFO = "/sys/kernel/debug/dma_buf/bufinfo";
    private static final Set<String> BAR = Set.of("cpu", "mmio", "uc");
    private static final Set<String> RAM = Set.of("cpu", "pages");
    private static final long PAGE = Exporter.PAGE;

    @Test
    @DisplayName("a BAR is uncached MMIO, and which device reaches it depends on the device")
    @Proves({"AT1", "AT2"})
    @Devices({"ivshmem:16M", "edu"})
    void bar(Testbed bed) {
        bed.requireSeries("attributes");
        Exporter exporter = bed.exporter();
        DmaBuf buffer = exporter.exportAll();
        long pages = exporter.size() / PAGE;
        Importer nobody = bed.importer(buffer);
        Importer itself = bed.importer(buffer, Wish.PFN_IMPORTER.forDevice(exporter.vfio().bdf()));
        Importer neighbour = bed.importer(buffer, Wish.PFN_IMPORTER.forDevice(bed.idleDevice()));
        for (boolean byPfn : new boolean[] {false, true}) {
            lookUp(bed, byPfn);
            long pfn = exporter.pfn(0);
            assertThat(nobody.runs(0, pages)).containsExactly(new Run(pfn, pages, BAR));
            assertThat(nobody.runs(pages / 2, pages / 2))
                    .containsExactly(new Run(pfn + pages / 2, pages / 2, BAR));
            assertThat(itself.runs(0, pages))
                    .containsExactly(new Run(pfn, pages, with(BAR, "p2p-same")));
            assertThat(neighbour.runs(0, pages))
                    .containsExactly(new Run(pfn, pages, with(BAR, "p2p-reachable")));
        }
    }

    @Test
    @DisplayName("before Zen a peer reaches a BAR below the same switch, and none through the host")
    @Proves({"AT1", "AT2"})
    @BuiltIn({"cpu-before-zen", "switch"})
    @Devices({"ivshmem-in-switch:1M", "edu-in-switch", "edu"})
    void switched(Testbed bed) {
        bed.requireSeries("attributes");
        Exporter exporter = bed.exporter();
        DmaBuf buffer = exporter.exportAll();
        long pages = exporter.size() / PAGE;
        Importer itself = bed.importer(buffer, Wish.PFN_IMPORTER.forDevice(exporter.vfio().bdf()));
        Importer below =
                bed.importer(buffer, Wish.PFN_IMPORTER.forDevice(bed.idleDevice("edu-in-switch")));
        Importer outside = bed.importer(buffer, Wish.PFN_IMPORTER.forDevice(bed.idleDevice()));
        for (boolean byPfn : new boolean[] {false, true}) {
            lookUp(bed, byPfn);
            long pfn = exporter.pfn(0);
            assertThat(itself.runs(0, pages))
                    .containsExactly(new Run(pfn, pages, with(BAR, "p2p-same")));
            assertThat(below.runs(0, pages))
                    .containsExactly(new Run(pfn, pages, with(BAR, "p2p-reachable")));
            assertThat(outside.runs(0, pages)).containsExactly(new Run(pfn, pages, BAR));
        }
    }

    @Test
    @DisplayName("RAM has struct pages and is cached, and what the CPU must not map is told apart")
    @Proves({"AT1", "AT2", "CO1"})
    @Devices("ivshmem:16M")
    void mixed(Testbed bed) {
        bed.requireSeries("attributes");
        Exporter device = bed.exporter();
        device.exportAll(); // its driver has to say what the BAR is
        TestExporter exporter =
                TestExporter.create(
                        bed.agent(),
                        "exporter",
                        Lifetime.DYNAMIC,
                        List.of(
                                Segment.ram(4, 2),
                                Segment.bar(device.vfio().bdf(), device.bar(), 1 << 20, 8),
                                Segment.ramWithoutCpu(1)));
        Importer importer = bed.importer(exporter.buffer());
        for (boolean byPfn : new boolean[] {false, true}) {
            lookUp(bed, byPfn);
            assertThat(importer.runs(0, 13))
                    .containsExactly(
                            new Run(exporter.pfn(0, 0), 4, RAM),
                            new Run(device.pfn(1 << 20), 8, BAR),
                            new Run(exporter.pfn(0, 12), 1, Set.of("pages")));
        }
        importer.write(0, 7);
        assertThat(importer.tryWrite(12 * PAGE, 7).errno()).isEqualTo("EOPNOTSUPP");
    }

    // By PFN the exporter's word does not count, only that of the BAR's driver.
    @Test
    @DisplayName("where memory goes on but its kind does not, a range ends")
    @Proves({"AT1", "CO1"})
    @Devices("ivshmem:16M")
    void kindsOfOneBar(Testbed bed) {
        bed.requireSeries("attributes");
        Exporter device = bed.exporter();
        device.exportAll();
        String bdf = device.vfio().bdf();
        TestExporter exporter =
                TestExporter.create(
                        bed.agent(),
                        "exporter",
                        Lifetime.DYNAMIC,
                        List.of(
                                Segment.bar(bdf, device.bar(), 0, 3),
                                Segment.barWithoutCpu(bdf, device.bar(), 3 * PAGE, 5),
                                Segment.bar(bdf, device.bar(), 8 * PAGE, 1)));
        lookUp(bed, false);

        assertThat(bed.importer(exporter.buffer()).runs(0, 9))
                .containsExactly(
                        new Run(device.pfn(0), 3, BAR),
                        new Run(device.pfn(3 * PAGE), 5, Set.of("mmio", "uc")),
                        new Run(device.pfn(8 * PAGE), 1, BAR));
    }

    @Test
    @DisplayName("udmabuf is told to be RAM without anybody having said so")
    @Proves({"AT1", "AT2", "CO1"})
    void udmabuf(Testbed bed) {
        bed.requireSeries("attributes");
        DmaBuf buffer = DmaBuf.udmabuf(bed.agent(), 64 << 10, "ram");
        Importer importer = bed.importer(buffer);
        byte[] mark = {1, 2, 3, 4, 5, 6, 7, 8};
        buffer.map(0, PAGE, "cpu").write(0, mark);
        for (boolean byPfn : new boolean[] {false, true}) {
            lookUp(bed, byPfn);
            List<Run> runs = importer.runs(0, 16);
            assertThat(runs).allMatch(run -> run.attrs().equals(RAM));
            assertThat(bed.ram().read(runs.get(0).pfn() * PAGE, mark.length)).isEqualTo(mark);
        }
    }

    @Test
    @DisplayName("a BAR that is private to a machine is told to be, and not to be for the CPU")
    @Proves({"AT1", "AT2"})
    @Devices("ivshmem:16M")
    void privateBar(Testbed bed) {
        bed.requireSeries("attributes");
        Vm vm = bed.vm(bed.agent(), Vm.Type.SW_PROTECTED);
        Exporter exporter = bed.privateExporter(vm);
        DmaBuf buffer = exporter.exportAll();
        vm.set(Memslot.at(1, KvmWindow.GPA, 1 << 20).ofPrivate(buffer, 0));
        for (boolean byPfn : new boolean[] {false, true}) {
            lookUp(bed, byPfn);
            String info = bed.agent().call("file.read", Map.of("path", BUFINFO)).text("text");
            assertThat(info.lines()).contains("\tnone\trevocable mmio private uc");
        }
        assertThat(exporter.pfn(0)).isPositive();
        assertThat(bed.attachments()).isEqualTo(1);
    }

    @Test
    @DisplayName(
            "when a device is closed nothing is known of its BAR, and all again once it is open")
    @Proves({"AT2", "UR4"})
    @Devices("ivshmem:16M")
    void closedDevice(Testbed bed) {
        bed.requireSeries("attributes");
        lookUp(bed, true);
        Exporter exporter = bed.exporter();
        DmaBuf before = exporter.exportAll();
        Importer importer = bed.importer(before);
        assertThat(importer.runs(0, 1).get(0).attrs()).isEqualTo(BAR);

        exporter.vfio().close();
        VfioDevice again = VfioDevice.reopen(bed.agent(), exporter.vfio().bdf(), "again");
        again.memory(true);

        assertThat(importer.tryRuns(0, 1, 1).errno()).isEqualTo("ENODEV");
        DmaBuf anew = again.export(exporter.bar(), List.of(new Range(0, PAGE)), "anew");
        assertThat(bed.importer(anew).runs(0, 1)).containsExactly(new Run(exporter.pfn(0), 1, BAR));
    }

    private static void lookUp(Testbed bed, boolean byPfn) {
        bed.agent().call("file.write", Map.of("path", BY_PFN, "text", byPfn ? "1" : "0"));
    }

    private static Set<String> with(Set<String> attrs, String more) {
        return Stream.concat(attrs.stream(), Stream.of(more)).collect(Collectors.toSet());
    }
}
