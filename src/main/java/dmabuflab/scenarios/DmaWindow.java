// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Edu;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.BarFile;
import dmabuflab.witness.IommuFault;
import dmabuflab.witness.Mapping;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A dma-buf of an exporter, mapped where the DMA engine reaches it, and what can be said of that:
 * it works, it is cut off. Each is seen in the IOMMU's table and in the memory.
 */
final class DmaWindow {
    static final long PAGE = Exporter.PAGE;
    static final long IOVA = 0x4000_0000L;

    /**
     * The page that DMA uses while it may, and tries again when it may not: in the IOTLB by then.
     */
    private static final long USED = 3 * PAGE;

    private static final int FAULTING = 64;

    /** Bytes around a transfer that are looked at. */
    private static final long NEAR = 16 << 20;

    private final Testbed bed;
    private final Exporter exporter;
    private final Ioas ioas;
    private final Edu edu;
    private final List<Range> ranges;
    private final long start;
    private final long length;
    private final long iova;
    private final DmaBuf buffer;

    private DmaWindow(
            Testbed bed,
            Exporter exporter,
            Ioas ioas,
            Edu edu,
            DmaBuf buffer,
            List<Range> ranges,
            long start,
            long length,
            long iova) {
        this.bed = bed;
        this.exporter = exporter;
        this.ioas = ioas;
        this.edu = edu;
        this.ranges = ranges;
        this.start = start;
        this.length = length;
        this.iova = iova;
        this.buffer = buffer;
    }

    /** All of a new buffer of these ranges at {@link #IOVA}, not mapped yet. */
    static DmaWindow of(Testbed bed, Exporter exporter, Ioas ioas, Edu edu, Range... ranges) {
        DmaBuf buffer = exporter.export(ranges);
        long length = List.of(ranges).stream().mapToLong(Range::length).sum();
        return new DmaWindow(bed, exporter, ioas, edu, buffer, List.of(ranges), 0, length, IOVA);
    }

    /** Part of the same buffer elsewhere. */
    DmaWindow part(long from, long bytes, long at) {
        return new DmaWindow(bed, exporter, ioas, edu, buffer, ranges, from, bytes, at);
    }

    /** The same as another DMA engine sees it, which shares its address space. */
    DmaWindow seenBy(Edu other) {
        return new DmaWindow(bed, exporter, ioas, other, buffer, ranges, start, length, iova);
    }

    /** The same buffer at the same place of another address space, and that one's DMA engine. */
    DmaWindow in(Ioas another, Edu other) {
        return new DmaWindow(bed, exporter, another, other, buffer, ranges, start, length, iova);
    }

    DmaWindow map() {
        ioas.map(buffer, iova, start, length);
        return this;
    }

    Answer tryMap() {
        return ioas.tryMap(buffer, iova, start, length);
    }

    void unmap() {
        ioas.unmap(iova, length);
    }

    /** What an agent is asked for to map it. */
    Map<String, ?> mapArguments() {
        return ioas.mapArguments(buffer, iova, start, length);
    }

    /** What an agent is asked for to unmap it. */
    Map<String, ?> unmapArguments() {
        return Map.of("ioas", ioas.name(), "iova", iova, "length", length);
    }

    DmaBuf buffer() {
        return buffer;
    }

    long length() {
        return length;
    }

    /** How often the IOTLB was invalidated where the DMA engine has looked it up. */
    long invalidations() {
        return bed.iommu().iotlbInvalidations(edu.device(), iova + USED);
    }

    /** How much the IOMMU has done so far, for {@link #assertInvalidatedFirst}. */
    int mark() {
        return bed.iommu().events().size();
    }

    /** What was cached of the window went before the hardware behind it did. */
    void assertInvalidatedFirst(int mark) {
        assertThat(
                        bed.iommu()
                                .invalidatedBeforeDecodingEnded(
                                        edu.device(), iova + USED, exporter, mark)
                                .orElse(true))
                .as("IOTLB invalidated before the exporter's BAR was no longer decoded")
                .isTrue();
    }

    /** Each page is mapped to its own frame, and DMA reads and writes its memory and no other. */
    void assertWorks() {
        assertMapped();
        assertDma(USED, (length - PAGE) & -PAGE);
    }

    /** DMA moves a block within the window, and changes nothing else near either end of it. */
    void assertDma(long source, long target) {
        BarFile memory = exporter.memory();
        Range nearSource = near(source);
        Range nearTarget = near(target);
        fill(nearSource, nearTarget);
        List<BarFile.Snapshot> before = List.of(snapshot(nearSource), snapshot(nearTarget));
        int faults = bed.iommu().faults(edu.device()).size();

        edu.read(iova + source, 0, Edu.TRANSFER);
        edu.write(iova + target, 0, Edu.TRANSFER);

        assertThat(memory.read(barOffset(target), Edu.TRANSFER))
                .as("what DMA read at 0x%x and wrote at 0x%x", iova + source, iova + target)
                .isEqualTo(memory.pattern(barOffset(source), Edu.TRANSFER));
        Set<BarFile.Range> changed = new LinkedHashSet<>();
        before.forEach(snapshot -> changed.addAll(memory.changedRanges(snapshot)));
        assertThat(changed)
                .as("memory that changed")
                .containsExactly(new BarFile.Range(barOffset(target), Edu.TRANSFER));
        assertThat(bed.iommu().faults(edu.device())).as("faults").hasSize(faults);
    }

    /**
     * The memory around a byte of the window that is looked at for changes: all, if it is small.
     */
    private Range near(long offset) {
        if (exporter.size() <= NEAR) {
            return new Range(0, exporter.size());
        }
        long middle = barOffset(offset) & -PAGE;
        long first = Math.max(0, Math.min(middle - NEAR / 2, exporter.size() - NEAR));
        return new Range(first, NEAR);
    }

    private void fill(Range... parts) {
        for (Range part : parts) {
            exporter.memory().fill(part.offset(), part.length());
        }
    }

    private BarFile.Snapshot snapshot(Range part) {
        return exporter.memory().snapshot(part.offset(), part.length());
    }

    /** Each page is mapped, readable and writable, to the frame that the hardware decodes. */
    void assertMapped() {
        assertThat(merged(bed.iommu().mappings(edu.device())))
                .as("what the DMA engine can reach at the window")
                .isEqualTo(merged(expected()));
    }

    /** The window as the contract has it, range by range. */
    private List<Mapping> expected() {
        List<Mapping> mappings = new ArrayList<>();
        long offset = 0;
        for (Range range : ranges) {
            long first = Math.max(start, offset);
            long end = Math.min(start + length, offset + range.length());
            if (first < end) {
                long physical = exporter.pfn(range.offset() + first - offset) * PAGE;
                mappings.add(
                        new Mapping(iova + first - start, physical, end - first, PAGE, true, true));
            }
            offset += range.length();
        }
        return mappings;
    }

    /** Those of the window, whatever the size of their pages, joined where they go on. */
    private List<Mapping> merged(List<Mapping> mappings) {
        List<Mapping> joined = new ArrayList<>();
        for (Mapping each : mappings) {
            if (each.iova() >= iova + length || each.iova() + each.length() <= iova) {
                continue;
            }
            Mapping next =
                    new Mapping(
                            each.iova(),
                            each.physical(),
                            each.length(),
                            PAGE,
                            each.read(),
                            each.write());
            Mapping last = joined.isEmpty() ? null : joined.get(joined.size() - 1);
            if (last != null && last.continuedBy(next)) {
                joined.set(joined.size() - 1, last.plus(next.length()));
            } else {
                joined.add(next);
            }
        }
        return joined;
    }

    /** Nothing in the table. */
    void assertUnreachable() {
        assertThat(merged(bed.iommu().mappings(edu.device())))
                .as("what the DMA engine can reach at the window")
                .isEmpty();
    }

    /** Nothing in the table, each DMA refused by the hardware, no byte changed. */
    void assertCutOff() {
        assertUnreachable();
        Range near = near(USED);
        fill(near);
        BarFile.Snapshot before = snapshot(near);
        int faults = bed.iommu().faults(edu.device()).size();

        edu.write(iova + USED, 0, FAULTING);

        assertThat(bed.iommu().faults(edu.device()).stream().skip(faults))
                .as("faults of a DMA write after access has ended")
                .isNotEmpty()
                .allSatisfy(
                        fault -> {
                            assertThat(fault.page()).isEqualTo(iova + USED);
                            assertThat(fault.couldBe(IommuFault.Access.WRITE))
                                    .as("%s is of a write", fault)
                                    .isTrue();
                        });
        bed.iommu()
                .lastFaultRecord()
                .ifPresent(
                        fault ->
                                assertThat(fault)
                                        .as("fault recording register")
                                        .matches(f -> f.page() == iova + USED)
                                        .matches(f -> f.couldBe(IommuFault.Access.WRITE)));
        assertThat(exporter.memory().changedRanges(before)).as("memory that changed").isEmpty();
    }

    /** Where in the BAR a byte of the window lies. */
    private long barOffset(long offset) {
        long left = start + offset;
        for (Range range : ranges) {
            if (left < range.length()) {
                return range.offset() + left;
            }
            left -= range.length();
        }
        throw new IllegalArgumentException("beyond the window: " + offset);
    }
}
