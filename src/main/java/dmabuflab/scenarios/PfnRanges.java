// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.BarMapping;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Importer.Pfn;
import dmabuflab.guest.Importer.Run;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Where a whole buffer is and what kind of memory it is made of, asked for at once. */
@Catalogue
class PfnRanges {
    private static final long PAGE = Exporter.PAGE;
    private static final Set<String> BAR = Set.of("cpu", "mmio", "uc");
    private static final Set<String> RAM = Set.of("cpu", "pages");

    @Test
    @DisplayName("a BAR is one run of MMIO, from where the hardware decodes it")
    @Proves({"CO1", "AT1"})
    @Devices("ivshmem:16M")
    void wholeBar(Testbed bed) {
        Exporter exporter = bed.exporter();
        long pages = exporter.size() / PAGE;

        assertThat(bed.importer(exporter.exportAll()).runs(0, pages))
                .containsExactly(new Run(exporter.pfn(0), pages, BAR));
    }

    @Test
    @DisplayName("each range is a run, those that continue one another are one")
    @Proves({"CO1", "AT1", "PQ5"})
    @Devices("ivshmem:16M")
    void severalRanges(Testbed bed) {
        Exporter exporter = bed.exporter();
        long first = exporter.pfn(0);
        Importer importer =
                bed.importer(
                        exporter.export(
                                new Range(300 * PAGE, 5 * PAGE),
                                new Range(305 * PAGE, 3 * PAGE),
                                new Range(7 * PAGE, PAGE),
                                new Range(512 * PAGE, 1024 * PAGE)));
        Run joined = new Run(first + 300, 8, BAR);
        Run page = new Run(first + 7, 1, BAR);
        Run last = new Run(first + 512, 1024, BAR);

        assertThat(importer.runs(0, 1033)).containsExactly(joined, page, last);
        assertThat(importer.runs(6, 100))
                .as("a part of it")
                .containsExactly(new Run(first + 306, 2, BAR), page, new Run(first + 512, 97, BAR));
        assertThat(Importer.runs(importer.tryRuns(0, 1033, 2)))
                .as("with room for two")
                .containsExactly(joined, page);
    }

    @Test
    @DisplayName("more than 4 GiB of a BAR above 4 GiB are one run")
    @Proves({"CO1", "PQ5"})
    @Devices("ivshmem:8G")
    void largeBar(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.exportAll());
        long pages = exporter.size() / PAGE;

        assertThat(importer.runs(0, pages)).containsExactly(new Run(exporter.pfn(0), pages, BAR));
        assertThat(importer.runs(pages - 3, 3))
                .containsExactly(new Run(exporter.pfn((pages - 3) * PAGE), 3, BAR));
    }

    @Test
    @DisplayName("what is not all inside the buffer, or revoked, is refused as a whole")
    @Proves({"CO1", "PQ3"})
    @Devices("ivshmem:16M")
    void refused(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(new Range(0, 64 * PAGE)));
        List<Run> all = List.of(new Run(exporter.pfn(0), 64, BAR));
        assertThat(importer.runs(0, 64)).isEqualTo(all);

        assertThat(importer.tryRuns(0, 65, 4).errno()).isEqualTo("EINVAL");
        assertThat(importer.tryRuns(64, 1, 4).errno()).isEqualTo("EINVAL");
        assertThat(importer.tryRuns(63, Long.MAX_VALUE, 4).errno()).isEqualTo("EINVAL");
        exporter.vfio().memory(false);
        assertThat(importer.tryRuns(0, 64, 4).errno()).isEqualTo("ENODEV");
        exporter.vfio().memory(true);
        assertThat(importer.runs(0, 64)).isEqualTo(all);
    }

    @Test
    @DisplayName("pages of RAM are where the guest's memory has what the CPU wrote to them")
    @Proves({"CO1", "AT1", "LC1"})
    void ram(Testbed bed) {
        long pages = 48;
        DmaBuf buffer = DmaBuf.udmabuf(bed.agent(), pages * PAGE, PAGE, false, "ram");
        Importer importer = bed.importer(buffer);
        BarMapping cpu = buffer.map(0, pages * PAGE, "cpu");
        for (long page = 0; page < pages; page++) {
            cpu.write(page * PAGE, mark(page));
        }

        List<Run> runs = importer.runs(0, pages);

        assertThat(runs).hasSizeGreaterThan(1).allMatch(run -> run.attrs().equals(RAM));
        List<Long> frames = new ArrayList<>();
        for (Run run : runs) {
            for (long page = 0; page < run.pages(); page++) {
                frames.add(run.pfn() + page);
            }
        }
        assertThat(frames).hasSize((int) pages).doesNotHaveDuplicates();
        for (int page = 0; page < pages; page++) {
            assertThat(bed.ram().read(frames.get(page) * PAGE, Long.BYTES))
                    .as("what is in the frame of page %d", page)
                    .isEqualTo(mark(page));
            assertThat(importer.query(page).pfn()).isEqualTo(frames.get(page));
        }
        assertThat(importer.notifies()).as("pages that are pinned").isEmpty();
    }

    @Test
    @DisplayName("of three pages in four of a huge page no more is said to go together than does")
    @Proves({"CO1", "PQ4"})
    void oddPieces(Testbed bed) {
        bed.requireSeries("attributes");
        long pages = 48;
        Map<String, ?> one = Map.of("path", "/proc/sys/vm/nr_hugepages", "text", "1");
        bed.agent().call("file.write", one);
        DmaBuf buffer = DmaBuf.partsOfHugePage(bed.agent(), pages * PAGE, 3 * PAGE, PAGE, "parts");
        Importer importer = bed.importer(buffer);
        BarMapping cpu = buffer.map(0, pages * PAGE, "cpu");
        for (long page = 0; page < pages; page++) {
            cpu.write(page * PAGE, mark(page));
        }

        long frame = importer.query(0).pfn();
        List<Run> expected = new ArrayList<>();
        for (long piece = 0; piece < pages / 3; piece++) {
            expected.add(new Run(frame + 4 * piece, 3, RAM));
        }
        assertThat(importer.runs(0, pages)).isEqualTo(expected);
        assertThat(importer.query(0).maxOrder()).as("order of the first two pages").isEqualTo(1);
        for (long page = 0; page < pages; page++) {
            Pfn asked = importer.query(page);
            long first = page & -(1L << asked.maxOrder());
            for (long other = first; other < first + (1L << asked.maxOrder()); other++) {
                assertThat(bed.ram().read((asked.pfn() + other - page) * PAGE, Long.BYTES))
                        .as("the frame of page %d, by that of %d and %s", other, page, asked)
                        .isEqualTo(mark(other));
            }
        }
    }

    private static byte[] mark(long page) {
        return ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(0x6d61_726b_0000_0000L + page)
                .array();
    }
}
