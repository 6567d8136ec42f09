// SPDX-License-Identifier: Apache-2.0
package dmabuflab.tour;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Exit;
import dmabuflab.scenario.Witness;
import dmabuflab.witness.BarFile;
import dmabuflab.witness.IommuFault;
import java.util.List;
import java.util.Optional;

/** The memory is taken away. */
final class Revoke implements Chapter {
    /** Where DMA goes that is refused, for {@link Unrevoke} to try again. */
    static final String DMA = "direction=from_device iova=0x40005000 offset=0 length=64";

    private static final long DMA_PAGE = 0x40005000;

    @Override
    public String title() {
        return "Revoke: nothing reaches the memory any more";
    }

    @Override
    public List<String> selectors() {
        return List.of("RV1", "RV2", "RV4", "KV4");
    }

    @Override
    public void tell(Desk desk, Narrator narrator) {
        String edu = desk.edu().device().name();
        int mark = desk.bed().iommu().events().size();
        narrator.say(
                """
                A write to the COMMAND register turns the memory of the device off; reset, FLR,
                D3hot, unbind and unplug are other ways to lose it (RV1). vfio-pci marks the
                buffer as revoked and notifies all importers, and only then lets the write
                through. A query from inside that callback is refused already (RV4).
                """);
        narrator.labctl("vfio.command dev=" + desk.card() + " memory=0");
        desk.seeNotify(narrator, List.of("ENODEV"));
        narrator.labctl("importer.query name=importer pgoff=" + Desk.PGOFF, "ENODEV");
        narrator.say(
                """
                When the system call has returned nobody reaches the memory any more (RV2): the
                tables are empty, and no TLB still has what was in them.
                """);
        desk.seeNoTables(narrator);
        narrator.see(
                Witness.KERNEL_EVENTS,
                "TLBs of the virtual CPU flushed before the call returned",
                desk.nested().flushedBeforeReturn(Desk.GPA, Desk.SIZE).equals(Optional.of(true)));
        narrator.see(
                Witness.HARDWARE,
                "IOTLB invalidated before QEMU ceased to decode the BAR",
                desk.bed()
                        .iommu()
                        .invalidatedBeforeDecodingEnded(
                                desk.edu().device(), Desk.IOVA, desk.exporter(), mark)
                        .equals(Optional.of(true)));
        narrator.say(
                """
                Both try all the same. The virtual CPU gets no page, and KVM_RUN returns with
                KVM_EXIT_MEMORY_FAULT (KV4). The DMA seems to succeed, as edu is never told, but
                the IOMMU has refused its writes. In the memory nothing has changed.
                """);
        BarFile.Snapshot before = desk.exporter().memory().snapshot();
        int faults = desk.bed().iommu().faults(desk.edu().device()).size();
        Answer write =
                narrator.labctl("vcpu.write vcpu=vcpu gpa=0x140012010 value=0x3333333333333333");
        narrator.see(
                Witness.KERNEL_ANSWER,
                "the virtual CPU's exit: %s",
                new Exit(write).reason(),
                Exit.MEMORY_FAULT);
        narrator.labctl("edu.dma dev=" + edu + " " + DMA);
        List<IommuFault> refused =
                desk.bed().iommu().faults(desk.edu().device()).stream().skip(faults).toList();
        narrator.see(
                Witness.HARDWARE,
                "DMA writes refused at " + Desk.hex(DMA_PAGE),
                !refused.isEmpty()
                        && refused.stream()
                                .allMatch(
                                        fault ->
                                                fault.page() == DMA_PAGE
                                                        && fault.couldBe(IommuFault.Access.WRITE)));
        List<BarFile.Range> changed = desk.exporter().memory().changedRanges(before);
        narrator.see(
                Witness.MEMORY,
                "the file behind the BAR has changed at %s",
                changed.isEmpty() ? "no place" : changed,
                "no place");
    }
}
