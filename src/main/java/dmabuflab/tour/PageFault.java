// SPDX-License-Identifier: Apache-2.0
package dmabuflab.tour;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Exit;
import dmabuflab.scenario.Witness;
import java.util.List;

/** KVM asks when a virtual CPU needs a page. */
final class PageFault implements Chapter {
    private static final String GPA = Desk.hex(Desk.GPA + Desk.PGOFF * Desk.PAGE);

    @Override
    public String title() {
        return "KVM: a virtual CPU faults a page in";
    }

    @Override
    public List<String> selectors() {
        return List.of("KV1", "KvmSlots", "KvmHugePages");
    }

    @Override
    public void tell(Desk desk, Narrator narrator) {
        String vm = desk.vm().name();
        narrator.say(
                """
                A virtual machine inside the guest gets the dma-buf as a memslot, by the flag
                KVM_MEM_VFIO_DMABUF of KVM_SET_USER_MEMORY_REGION2. No process has mapped the
                BAR, and none needs to (KV1). KVM maps nothing yet: it can fault.
                """);
        narrator.done("kvm.create name=" + vm);
        narrator.labctl("kvm.vcpu vm=" + vm + " name=vcpu");
        narrator.labctl(
                "kvm.memslot vm=%s slot=1 gpa=%s size=%s dmabuf=buffer offset=0"
                        .formatted(vm, Desk.hex(Desk.GPA), Desk.hex(Desk.SIZE)));
        narrator.see(
                Witness.HARDWARE,
                "nested tables map %s pages of the slot",
                desk.nested().leaves(Desk.GPA, Desk.SIZE).size(),
                0);
        narrator.say(
                """
                The virtual CPU loads what was stored in chapter 1, and stores a word beside it.
                The first access faults: KVM asks for the PFN of page 18, and maps it. The host
                finds the table in the guest's memory, by the VMCB, as the processor does.
                """);
        int before = queries(desk).size();
        Answer read = narrator.labctl("vcpu.read vcpu=vcpu gpa=" + GPA);
        narrator.see(
                Witness.KERNEL_ANSWER,
                "the virtual CPU has read %s",
                Desk.hex(new Exit(read).value()),
                "0x1111111111111111");
        narrator.labctl(
                "vcpu.write vcpu=vcpu gpa=%s value=0x2222222222222222"
                        .formatted(Desk.hex(Desk.GPA + Desk.PGOFF * Desk.PAGE + 8)));
        narrator.see(
                Witness.KERNEL_EVENTS,
                "queries meanwhile: %s",
                queries(desk).subList(before, queries(desk).size()),
                List.of("page %d is at PFN %s".formatted(Desk.PGOFF, desk.decoded(Desk.PGOFF))));
        desk.seeNested(narrator);
        desk.seeMemory(narrator, Desk.BAR_OFFSET + 8, 0x2222222222222222L);
    }

    /** What was asked for so far, whoever did, and answered. */
    private static List<String> queries(Desk desk) {
        return desk.bed().events(" dma_buf_get_pfn: ").stream()
                .map(e -> e.replaceFirst(".* pgoff=(\\d+) pfn=(\\w+) .*", "page $1 is at PFN $2"))
                .toList();
    }
}
