// SPDX-License-Identifier: Apache-2.0
package dmabuflab.tour;

import dmabuflab.scenario.Witness;
import java.util.List;

/** A device's memory becomes a dma-buf. */
final class Export implements Chapter {
    @Override
    public String title() {
        return "Export: a device's memory becomes a dma-buf";
    }

    @Override
    public List<String> selectors() {
        return List.of("PQ5", "ExportLimits");
    }

    @Override
    public void tell(Desk desk, Narrator narrator) {
        String card = desk.card();
        narrator.say(
                """
                The card at 0000:02:00.0 has a BAR of 16 MiB with nothing but memory behind it,
                which QEMU keeps in a file. A program opens it through vfio-pci, as a VMM would
                that passes a device on to its virtual machine, and stores a word.
                """);
        String bdf = desk.exporter().vfio().bdf();
        narrator.done("pci.bind bdf=" + bdf + " driver=vfio-pci");
        narrator.done("vfio.open bdf=" + bdf + " name=" + card);
        narrator.done("vfio.command dev=" + card + " memory=1 master=1");
        narrator.labctl(
                "vfio.write dev=%s bar=%d offset=0x122000 data=1111111111111111"
                        .formatted(card, desk.exporter().bar()));
        desk.seeMemory(narrator, Desk.BAR_OFFSET, 0x1111111111111111L);
        narrator.say(
                """
                Two parts of the BAR are exported as one dma-buf: a file descriptor that other
                drivers can import. What lies between them stays out of it, as an MSI-X table
                would. So far this is a promise only: nobody has attached, nothing is mapped.
                """);
        narrator.labctl(
                "dmabuf.export dev=%s bar=%d ranges=%s name=buffer"
                        .formatted(card, desk.exporter().bar(), Desk.RANGES));
        narrator.see(Witness.KERNEL_ANSWER, "dma-bufs in debugfs: %s", desk.bed().buffers(), 1L);
        narrator.see(Witness.KERNEL_ANSWER, "attachments: %s", desk.bed().attachments(), 0L);
    }
}
