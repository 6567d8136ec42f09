// SPDX-License-Identifier: Apache-2.0
package dmabuflab.tour;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Exit;
import dmabuflab.scenario.Witness;
import java.util.List;

/** The device is closed, which is for ever. */
final class End implements Chapter {
    @Override
    public String title() {
        return "The end: what is closed never comes back";
    }

    @Override
    public List<String> selectors() {
        return List.of("UR4", "RV6", "KvmTeardown");
    }

    @Override
    public void tell(Desk desk, Narrator narrator) {
        String bdf = desk.exporter().vfio().bdf();
        narrator.say(
                """
                Closing the device revokes too, but for ever: it can be opened and exported
                again, but nothing brings the old buffer back (UR4).
                """);
        narrator.labctl("vfio.close name=" + desk.card());
        narrator.labctl("vfio.open bdf=" + bdf + " name=again");
        narrator.labctl("vfio.command dev=again memory=1");
        desk.seeNotify(narrator, List.of("ENODEV"));
        narrator.labctl("importer.query name=importer pgoff=" + Desk.PGOFF, "ENODEV");
        desk.seeNoTables(narrator);
        Answer read = narrator.labctl("vcpu.read vcpu=vcpu gpa=0x140012000");
        narrator.see(
                Witness.KERNEL_ANSWER,
                "the virtual CPU's exit: %s",
                new Exit(read).reason(),
                Exit.MEMORY_FAULT);
        narrator.say(
                """
                Importers let go when it suits them. The buffer lasts until the last one has,
                and then nothing is left of it (RV6).
                """);
        narrator.labctl("importer.detach name=importer");
        narrator.labctl("kvm.memslot vm=" + desk.vm().name() + " slot=1 gpa=0 size=0");
        narrator.labctl(
                "ioas.unmap ioas=%s iova=%s length=%s"
                        .formatted(desk.ioas().name(), Desk.hex(Desk.IOVA), Desk.hex(Desk.SIZE)));
        narrator.labctl("rdma.dereg mr=pinned");
        narrator.labctl("rdma.dereg mr=ondemand");
        narrator.see(Witness.KERNEL_ANSWER, "attachments: %s", desk.bed().attachments(), 0L);
        narrator.labctl("handle.close name=buffer");
        narrator.see(Witness.KERNEL_ANSWER, "dma-bufs in debugfs: %s", desk.bed().buffers(), 0L);
    }
}
