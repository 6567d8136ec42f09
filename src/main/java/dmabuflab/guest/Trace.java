// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The guest's ftrace on its monotonic clock: kernel events as a witness. */
public final class Trace {
    private static final List<String> EVENTS =
            List.of("dma_buf:*", "iommu:map", "iommu:unmap", "iommu:io_page_fault");

    /** Entry and return of what has no trace event of its own. */
    private static final List<String> PROBES =
            List.of(
                    "p:dmabuflab/vfio_move vfio_pci_dma_buf_move revoked=%si:u8",
                    "r:dmabuflab/vfio_moved vfio_pci_dma_buf_move");

    private static final String SERIES_PROBE =
            "p:dmabuflab/get_pfn_unlocked dma_buf_get_pfn_unlocked";

    private final Agent agent;
    private final List<String> probes;

    /**
     * @param more probes besides those every guest has, in the words of the kernel's kprobe_events
     */
    public Trace(Agent agent, List<String> more) {
        this.agent = agent;
        this.probes = new ArrayList<>(PROBES);
        this.probes.addAll(more);
    }

    /**
     * Begins to record.
     *
     * @param withSeries whether the kernel has the functions that the series adds
     */
    public void start(boolean withSeries) {
        List<String> all = new ArrayList<>(probes);
        if (withSeries) {
            all.add(SERIES_PROBE);
        }
        agent.call("trace.start", Map.of("events", EVENTS, "kprobes", all));
    }

    /**
     * Records more from now on, which began before.
     *
     * @param moreEvents in the words of the kernel's set_event
     * @param moreProbes in the words of its kprobe_events
     */
    public void add(List<String> moreEvents, List<String> moreProbes) {
        agent.call("trace.add", Map.of("events", moreEvents, "kprobes", moreProbes));
    }

    /**
     * Records an event only when a condition on its fields holds.
     *
     * @param event as in {@code raw_syscalls/sys_exit}
     * @param condition in the words of the kernel's event filters
     */
    public void filter(String event, String condition) {
        String path = "/sys/kernel/tracing/events/" + event + "/filter";
        agent.call("file.write", Map.of("path", path, "text", condition));
    }

    /** Makes room for events, in KiB for each CPU. What was recorded is lost. */
    public void resize(int kib) {
        agent.call(
                "file.write",
                Map.of("path", "/sys/kernel/tracing/buffer_size_kb", "text", "" + kib));
    }

    /** Ends the recording, where millions of events would only cost time. */
    public void stop() {
        agent.call("trace.stop", Map.of());
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
