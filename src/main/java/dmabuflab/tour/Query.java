// SPDX-License-Identifier: Apache-2.0
package dmabuflab.tour;

import dmabuflab.guest.Answer;
import dmabuflab.scenario.Witness;
import java.util.List;

/** An importer asks where the pages are. */
final class Query implements Chapter {
    /** All that lies together is 16 pages, aligned to as many. */
    private static final long ORDER = 4;

    @Override
    public String title() {
        return "Query: where is that page?";
    }

    @Override
    public List<String> selectors() {
        return List.of("PQ1", "PQ3", "PQ4", "NG5");
    }

    @Override
    public void tell(Desk desk, Narrator narrator) {
        narrator.say(
                """
                Until now an importer got a scatterlist: DMA addresses for a device of its own.
                KVM has no such device; what its page tables need are page frame numbers. The
                series lets importers ask for them: dma_buf_get_pfn() with the buffer's
                reservation lock held, dma_buf_get_pfn_unlocked() takes it (PQ1, PQ2).

                A test importer attaches, without a struct device (NG5), but with a callback
                for what may happen later. Page 15 is the last one before the hole, 16 the first
                behind it.
                """);
        narrator.labctl("importer.attach dmabuf=buffer name=importer");
        desk.seeQuery(narrator, 15);
        desk.seeQuery(narrator, 16);
        narrator.say(
                """
                The PFNs are 17 apart: the hole was never shared (PQ5). max_order tells how much
                around the page may be mapped as one: 16 pages, as both PFN and offset are
                aligned to that, and no more, since there the range ends (PQ4). A page that is
                not in the buffer has no PFN (PQ3).
                """);
        Answer answer = narrator.labctl("importer.query name=importer pgoff=" + Desk.PGOFF);
        narrator.see(Witness.KERNEL_ANSWER, "max_order: %s", answer.number("max_order"), ORDER);
        narrator.labctl("importer.query name=importer pgoff=32", "EINVAL");
    }
}
