// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Importer;
import dmabuflab.guest.Importer.Pfn;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * max_order against a computation of its own: a table of every page's frame, filled from where the
 * hardware decodes the BAR, in which a block of an order either is one aligned run or is not.
 */
@Catalogue
@Devices("ivshmem:16M")
@Proves("PQ4")
class MaxOrder {
    private static final long PAGE = Exporter.PAGE;

    @Test
    @DisplayName("a whole BAR is one block of its own size")
    void wholeBar(Testbed bed) {
        Exporter exporter = bed.exporter();
        assertOrders(bed, exporter, new Range(0, exporter.size()));
    }

    @Test
    @DisplayName("a slice that starts off alignment has no block larger than its alignment")
    void unalignedSlice(Testbed bed) {
        Exporter exporter = bed.exporter();
        assertOrders(bed, exporter, new Range(3 * PAGE, 1021 * PAGE));
    }

    @Test
    @DisplayName("blocks end at a hole")
    void hole(Testbed bed) {
        Exporter exporter = bed.exporter();
        assertOrders(bed, exporter, new Range(0, 512 * PAGE), new Range(520 * PAGE, 1024 * PAGE));
    }

    @Test
    @DisplayName("ranges that continue each other form one block")
    void adjacentRanges(Testbed bed) {
        Exporter exporter = bed.exporter();
        assertOrders(
                bed,
                exporter,
                new Range(0, 100 * PAGE),
                new Range(100 * PAGE, 28 * PAGE),
                new Range(128 * PAGE, 128 * PAGE));
    }

    @Test
    @DisplayName("aligned in frames but not in the buffer, or the other way round, is no block")
    void congruence(Testbed bed) {
        Exporter exporter = bed.exporter();
        assertOrders(
                bed,
                exporter,
                new Range(5 * PAGE, PAGE),
                new Range(512 * PAGE, 512 * PAGE),
                new Range(2 * PAGE, 3 * PAGE),
                new Range(1024 * PAGE, 511 * PAGE));
    }

    private static void assertOrders(Testbed bed, Exporter exporter, Range... ranges) {
        List<Long> frames = new ArrayList<>();
        long bar = exporter.pfn(0);
        for (Range range : ranges) {
            for (long page = 0; page < range.length() / PAGE; page++) {
                frames.add(bar + range.offset() / PAGE + page);
            }
        }
        Importer importer = bed.importer(exporter.export(ranges));

        List<Pfn> answers = importer.range(0, frames.size());

        List<Pfn> expected = new ArrayList<>();
        for (int page = 0; page < frames.size(); page++) {
            expected.add(new Pfn(frames.get(page), order(frames, page)));
        }
        assertThat(answers).containsExactlyElementsOf(expected);
    }

    /** By definition rather than by the kernel's algorithm: tries every page of every block. */
    private static int order(List<Long> frames, int page) {
        int order = 0;
        while (isBlock(frames, page, order + 1)) {
            order++;
        }
        return order;
    }

    private static boolean isBlock(List<Long> frames, int page, int order) {
        int size = 1 << order;
        int first = page / size * size;
        if (first + size > frames.size() || frames.get(first) % size != 0) {
            return false;
        }
        for (int i = 1; i < size; i++) {
            if (frames.get(first + i) != frames.get(first) + i) {
                return false;
            }
        }
        return true;
    }
}
