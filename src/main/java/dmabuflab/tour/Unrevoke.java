// SPDX-License-Identifier: Apache-2.0
package dmabuflab.tour;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Exit;
import dmabuflab.scenario.Witness;
import java.util.List;

/** The memory is given back. */
final class Unrevoke implements Chapter {
    @Override
    public String title() {
        return "Un-revoke: it is where it was";
    }

    @Override
    public List<String> selectors() {
        return List.of("UR1", "UR2", "UR3");
    }

    @Override
    public void tell(Desk desk, Narrator narrator) {
        String edu = desk.edu().device().name();
        narrator.say(
                """
                Memory is turned on again, and vfio-pci gives the buffer back: the same pages
                (UR1). It notifies importers once more, and a query from inside that callback
                already succeeds (UR2). That matters to those that cannot fault, as nobody will
                tell them again. Linux 7.3 without the series notifies before that.
                """);
        narrator.labctl("vfio.command dev=" + desk.card() + " memory=1");
        desk.seeNotify(narrator, List.of("PFN"));
        desk.seeQuery(narrator, Desk.PGOFF);
        narrator.say(
                """
                iommufd has asked from there and has mapped all of it again, at the same IOVAs.
                KVM waits for a fault: when the virtual CPU is run again, it does what it could
                not do before (UR3). So does DMA.
                """);
        desk.seeDma(narrator);
        Answer resumed = narrator.labctl("vcpu.resume vcpu=vcpu");
        narrator.see(
                Witness.KERNEL_ANSWER,
                "the virtual CPU's exit: %s",
                new Exit(resumed).reason(),
                Exit.COMPLETE);
        desk.seeNested(narrator);
        desk.seeMemory(narrator, Desk.BAR_OFFSET + 0x10, 0x3333333333333333L);
        narrator.labctl("edu.dma dev=" + edu + " " + Revoke.DMA);
        desk.seeMemory(narrator, 0x105000, 0x1111111111111111L);
    }
}
