// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Map;

/** A dma-buf file descriptor held by the agent. */
public final class DmaBuf {
    private final Agent agent;
    private final String name;

    DmaBuf(Agent agent, String name) {
        this.agent = agent;
        this.name = name;
    }

    /** A dma-buf over memfd pages, from an exporter that has no PFN operation. */
    public static DmaBuf udmabuf(Agent agent, long size, String name) {
        agent.call("dmabuf.udmabuf", Map.of("size", size, "name", name));
        return new DmaBuf(agent, name);
    }

    /** A dma-buf of the system heap, from an exporter that has no PFN operation. */
    public static DmaBuf heap(Agent agent, long size, String name) {
        agent.call("dmabuf.heap", Map.of("size", size, "name", name));
        return new DmaBuf(agent, name);
    }

    public String name() {
        return name;
    }

    /** Size in bytes, as lseek tells. */
    public long size() {
        return agent.call("dmabuf.size", Map.of("name", name)).number("size");
    }

    public void close() {
        agent.call("handle.close", Map.of("name", name));
    }
}
