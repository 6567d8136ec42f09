// SPDX-License-Identifier: Apache-2.0
package dmabuflab.tour;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Edu;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.Vm;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.NestedView;
import dmabuflab.scenario.Testbed;
import dmabuflab.scenario.Witness;
import dmabuflab.witness.Mapping;
import dmabuflab.witness.NestedLeaf;
import java.util.List;

/**
 * What is in the guest from the start, though it is told of when its time has come: a card with
 * memory, a DMA engine, a virtual machine; and what the witnesses say of the buffer they share.
 */
final class Desk {
    static final List<String> DEVICES = List.of("edu", "ivshmem:16M");

    static final long PAGE = Exporter.PAGE;

    /** The buffer: two parts of the BAR, both of 16 pages, with a hole of as many between them. */
    static final String RANGES = "0x100000+0x10000,0x120000+0x10000";

    static final long SIZE = 0x20000;

    /** The page of the buffer that the story is about. */
    static final long PGOFF = 18;

    /** Where in the BAR that page is, the hole counted. */
    static final long BAR_OFFSET = 0x122000;

    static final long GPA = 0x1_4000_0000L;
    static final long IOVA = 0x4000_0000L;

    private final Testbed bed;
    private final Exporter exporter;
    private final Vm vm;
    private final NestedView nested;
    private final Ioas ioas;
    private final Edu edu;

    Desk(Testbed bed) {
        this.bed = bed;
        exporter = bed.exporter();
        vm = bed.vm();
        nested = bed.nested(vm);
        ioas = bed.ioas();
        edu = bed.dmaEngine(ioas);
    }

    Testbed bed() {
        return bed;
    }

    Exporter exporter() {
        return exporter;
    }

    Vm vm() {
        return vm;
    }

    NestedView nested() {
        return nested;
    }

    Ioas ioas() {
        return ioas;
    }

    Edu edu() {
        return edu;
    }

    /** The card's name as an exporter, for labctl. */
    String card() {
        return exporter.vfio().name();
    }

    /** Where in the BAR a byte of the buffer is. */
    static long barOffset(long offset) {
        return offset < 0x10000 ? 0x100000 + offset : 0x120000 + offset - 0x10000;
    }

    /** The frame of a page of the buffer, from where QEMU decodes the BAR now. */
    String decoded(long pgoff) {
        return hex(exporter.pfn(barOffset(pgoff * PAGE)));
    }

    /** What the file behind the BAR has there. */
    void seeMemory(Narrator narrator, long barOffset, long expected) {
        narrator.see(
                Witness.MEMORY,
                "the file behind the BAR has %s at " + hex(barOffset),
                hex(exporter.memory().readLong(barOffset)),
                hex(expected));
    }

    /** What the virtual machine reaches of the page that the story is about. */
    void seeNested(Narrator narrator) {
        long gpa = GPA + PGOFF * PAGE;
        narrator.see(
                Witness.HARDWARE,
                "nested tables lead GPA " + hex(gpa) + " to PFN %s",
                nested.translate(gpa).map(NestedLeaf::pfn).map(Desk::hex).orElse("none"),
                decoded(PGOFF));
    }

    /** That no page of the buffer can be reached by page tables, of machines and of devices. */
    void seeNoTables(Narrator narrator) {
        narrator.see(
                Witness.HARDWARE,
                "nested tables map %s pages of the slot",
                nested.leaves(GPA, SIZE).size(),
                0);
        narrator.see(
                Witness.HARDWARE,
                "the IOMMU maps %s ranges for edu",
                bed.iommu().mappings(edu.device()).size(),
                0);
    }

    /** That the IOMMU lets through to all of the buffer, and to nothing else. */
    void seeDma(Narrator narrator) {
        for (Mapping mapping : bed.iommu().mappings(edu.device())) {
            long offset = mapping.iova() - IOVA;
            narrator.see(
                    Witness.HARDWARE,
                    "the IOMMU leads IOVA %s",
                    way(mapping.iova(), mapping.length(), mapping.physical() / PAGE),
                    offset == 0 || offset == SIZE / 2
                            ? way(mapping.iova(), SIZE / 2, exporter.pfn(barOffset(offset)))
                            : "nowhere else");
        }
        narrator.see(
                Witness.HARDWARE,
                "the IOMMU maps %s ranges for edu",
                bed.iommu().mappings(edu.device()).size(),
                2);
    }

    private static String way(long iova, long length, long pfn) {
        return "%s+%s to PFN %s and on".formatted(hex(iova), hex(length), hex(pfn));
    }

    /** How the kernel answers a query of the page that the story is about, which has to succeed. */
    void seeQuery(Narrator narrator, long pgoff) {
        Answer answer = narrator.labctl("importer.query name=importer pgoff=" + pgoff);
        narrator.agree(
                "page " + pgoff + " of the buffer is at PFN %s",
                hex(answer.number("pfn")),
                decoded(pgoff));
    }

    /** What the test importer was told since the last time, and could find out meanwhile. */
    void seeNotify(Narrator narrator, List<String> expected) {
        Answer answer = narrator.labctl("importer.events name=importer");
        narrator.see(
                Witness.KERNEL_ANSWER,
                "notifies, and what a query from inside got: %s",
                answer.json().required("events").findValuesAsText("requery_errno").stream()
                        .map(errno -> errno.isEmpty() ? "PFN" : errno)
                        .toList(),
                expected);
    }

    static String hex(long number) {
        return "0x" + Long.toHexString(number);
    }
}
