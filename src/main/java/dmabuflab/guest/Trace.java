// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.List;
import java.util.Map;

/** The guest's ftrace on its monotonic clock: kernel events as a witness. */
public final class Trace {
    private static final List<String> EVENTS =
            List.of(
                    "dma_buf:*",
                    "iommu:map",
                    "iommu:unmap",
                    "iommu:io_page_fault",
                    "intel_iommu:cache_tag_flush_range");

    /** Entry and return of what has no trace event of its own. */
    private static final List<String> PROBES =
            List.of(
                    "p:dmabuflab/vfio_move vfio_pci_dma_buf_move revoked=%si:u8",
                    "r:dmabuflab/vfio_moved vfio_pci_dma_buf_move",
                    "p:dmabuflab/get_pfn_unlocked dma_buf_get_pfn_unlocked");

    private final Agent agent;

    public Trace(Agent agent) {
        this.agent = agent;
    }

    public void start() {
        agent.call("trace.start", Map.of("events", EVENTS, "kprobes", PROBES));
    }

    /** Everything recorded so far, one event a line. */
    public String read() {
        StringBuilder text = new StringBuilder();
        long offset = 0;
        while (true) {
            Answer part = agent.call("trace.read", Map.of("offset", offset));
            text.append(part.text("text"));
            offset = part.number("next");
            if (part.json().required("end").asBoolean()) {
                return text.toString();
            }
        }
    }
}
