// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Importer.Pfn;
import dmabuflab.guest.Importer.Wish;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Which PFNs vfio-pci hands out, against where QEMU's device model decodes the BAR. */
@Catalogue
@Devices("ivshmem:16M")
class PfnQuery {
    private static final long PAGE = Exporter.PAGE;

    @Test
    @DisplayName("every page of a whole BAR has the PFN that the hardware decodes")
    @Proves({"PQ1", "PQ5"})
    void wholeBar(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.exportAll());

        assertPages(exporter, importer, new Range(0, exporter.size()));
    }

    @Test
    @DisplayName("a BAR with a hole for the MSI-X table skips the hole, and nothing but the hole")
    @Proves("PQ5")
    void holeForMsix(Testbed bed) {
        Exporter exporter = bed.exporter();
        Range before = new Range(0, 3 * PAGE);
        Range after = new Range(5 * PAGE, 16 * PAGE);
        Importer importer = bed.importer(exporter.export(before, after));

        assertPages(exporter, importer, before, after);
    }

    @Test
    @DisplayName("ranges may come in any order and size; the buffer follows that order")
    @Proves("PQ5")
    void rangesOutOfOrder(Testbed bed) {
        Exporter exporter = bed.exporter();
        Range[] ranges = {
            new Range(8 << 20, 7 * PAGE),
            new Range(PAGE, PAGE),
            new Range(15 << 20, 256 * PAGE),
            new Range(4 << 20, 3 * PAGE),
        };
        Importer importer = bed.importer(exporter.export(ranges));

        assertPages(exporter, importer, ranges);
    }

    @Test
    @DisplayName("one page in the middle of a BAR can be a buffer of its own")
    @Proves("PQ5")
    void singlePageSlice(Testbed bed) {
        Exporter exporter = bed.exporter();
        Range page = new Range(777 * PAGE, PAGE);
        DmaBuf buffer = exporter.export(page);

        assertThat(buffer.size()).isEqualTo(PAGE);
        assertPages(exporter, bed.importer(buffer), page);
    }

    @Test
    @DisplayName("a BAR above 4 GiB and larger than 4 GiB has exact PFNs at every power of two")
    @Proves("PQ5")
    @Devices("ivshmem:8G")
    void barBeyondFourGib(Testbed bed) {
        Exporter exporter = bed.exporter();
        assertThat(exporter.pfn(0)).isGreaterThanOrEqualTo((1L << 32) / PAGE);
        Importer importer = bed.importer(exporter.exportAll());

        long pages = exporter.size() / PAGE;
        for (long pgoff = 1; pgoff < pages; pgoff *= 2) {
            for (long near : List.of(pgoff - 1, pgoff, pgoff + 1)) {
                assertThat(importer.query(near).pfn())
                        .as("PFN of page %d", near)
                        .isEqualTo(exporter.pfn(near * PAGE));
            }
        }
        assertThat(importer.query(pages - 1).pfn()).isEqualTo(exporter.pfn((pages - 1) * PAGE));
    }

    @Test
    @DisplayName("ranges that lie more than 4 GiB apart do not get mixed up")
    @Proves("PQ5")
    @Devices("ivshmem:8G")
    void rangesBeyondFourGib(Testbed bed) {
        Exporter exporter = bed.exporter();
        Range low = new Range(PAGE, 2 * PAGE);
        Range high = new Range((5L << 30) + PAGE, 3 * PAGE);
        Importer importer = bed.importer(exporter.export(high, low));

        assertPages(exporter, importer, high, low);
    }

    @Test
    @DisplayName("a page past the end is refused with EINVAL, whoever takes the lock")
    @Proves("PQ3")
    void pastTheEnd(Testbed bed) {
        Exporter exporter = bed.exporter();
        Range range = new Range(0, 4 * PAGE);
        Importer importer = bed.importer(exporter.export(range));

        assertPages(exporter, importer, range);
        for (String lock : List.of("unlocked", "caller")) {
            for (long pgoff : List.of(4L, 5L, 4096L, 1L << 40)) {
                assertThat(importer.tryQuery(pgoff, lock).errno())
                        .as("query of page %d of 4, lock %s", pgoff, lock)
                        .isEqualTo("EINVAL");
            }
        }
    }

    @Test
    @DisplayName("dma_buf_get_pfn() and dma_buf_get_pfn_unlocked() give the same answers")
    @Proves({"PQ1", "PQ2"})
    void lockedAndUnlockedAgree(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(new Range(6 * PAGE, 40 * PAGE)));

        for (long pgoff = 0; pgoff < 40; pgoff++) {
            Pfn unlocked = importer.query(pgoff);
            assertThat(importer.queryLocked(pgoff)).isEqualTo(unlocked);
            assertThat(unlocked.pfn()).isEqualTo(exporter.pfn((6 + pgoff) * PAGE));
        }
    }

    @Test
    @DisplayName("an importer with a struct device gets the same PFNs as one without")
    @Proves("NG5")
    @Devices({"ivshmem:16M", "edu"})
    void withAndWithoutDevice(Testbed bed) {
        Exporter exporter = bed.exporter();
        DmaBuf buffer = exporter.exportAll();
        Importer without = bed.importer(buffer);
        Importer with = bed.importer(buffer, Wish.PFN_IMPORTER.forDevice(bed.idleDevice()));

        assertThat(without.range(0, 64)).isEqualTo(with.range(0, 64));
        assertPages(exporter, without, new Range(0, exporter.size()));
    }

    /** Asserts every page of a buffer that was exported from these ranges. */
    private static void assertPages(Exporter exporter, Importer importer, Range... ranges) {
        long pgoff = 0;
        long bar = exporter.pfn(0);
        for (Range range : ranges) {
            long count = range.length() / PAGE;
            List<Long> expected =
                    LongStream.range(0, count)
                            .mapToObj(page -> bar + range.offset() / PAGE + page)
                            .toList();
            assertThat(importer.range(pgoff, count).stream().map(Pfn::pfn))
                    .as("PFNs of buffer pages %d to %d", pgoff, pgoff + count - 1)
                    .containsExactlyElementsOf(expected);
            pgoff += count;
        }
    }
}
