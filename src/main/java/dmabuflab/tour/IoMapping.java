// SPDX-License-Identifier: Apache-2.0
package dmabuflab.tour;

import java.util.List;

/** iommufd asks for all pages at once. */
final class IoMapping implements Chapter {
    @Override
    public String title() {
        return "iommufd: an importer that cannot fault";
    }

    @Override
    public List<String> selectors() {
        return List.of("IO1", "IommufdImport");
    }

    @Override
    public void tell(Desk desk, Narrator narrator) {
        String bdf = desk.edu().device().bdf();
        String edu = desk.edu().device().name();
        String ioas = desk.ioas().name();
        narrator.say(
                """
                The card at 0000:01:00.0, edu, is a DMA engine behind the IOMMU. It cannot wait
                for a page, so iommufd asks for all PFNs when the dma-buf is mapped, by the same
                interface (IO1), and keeps them until it is told otherwise. The IOMMU's table,
                too, is in the guest's memory, and read by the host.
                """);
        narrator.done("pci.bind bdf=" + bdf + " driver=vfio-pci");
        narrator.done("vfio.open bdf=" + bdf + " name=" + edu);
        narrator.done("vfio.command dev=" + edu + " memory=1 master=1");
        narrator.done("ioas.alloc name=" + ioas);
        narrator.done("vfio.attach dev=" + edu + " pt=" + ioas);
        narrator.labctl(
                "ioas.map ioas=%s dmabuf=buffer iova=%s start=0 length=%s"
                        .formatted(ioas, Desk.hex(Desk.IOVA), Desk.hex(Desk.SIZE)));
        desk.seeDma(narrator);
        narrator.say(
                """
                By these IOVAs edu reads from page 18, where the virtual CPU has written, and
                writes to page 3: from one device to another, and no CPU takes part.
                """);
        narrator.labctl("edu.copy dev=" + edu + " src=0x40012000 dst=0x40003000 length=64");
        desk.seeMemory(narrator, 0x103000, 0x1111111111111111L);
        desk.seeMemory(narrator, 0x103008, 0x2222222222222222L);
    }
}
