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

    /** A dma-buf over memfd pages, wherever they happen to be. */
    public static DmaBuf udmabuf(Agent agent, long size, String name) {
        return udmabuf(agent, size, size, false, name);
    }

    /**
     * A dma-buf over memfd pages in pieces that do not follow each other in memory.
     *
     * @param piece size of a piece in bytes
     * @param huge of huge pages, which the guest must have
     */
    public static DmaBuf udmabuf(Agent agent, long size, long piece, boolean huge, String name) {
        agent.call(
                "dmabuf.udmabuf",
                Map.of("size", size, "piece", piece, "huge", huge ? 1 : 0, "name", name));
        return new DmaBuf(agent, name);
    }

    /**
     * A dma-buf over parts of a huge page, which the guest must have: pieces with a gap between
     * them, in bytes.
     */
    public static DmaBuf partsOfHugePage(
            Agent agent, long size, long piece, long gap, String name) {
        agent.call(
                "dmabuf.udmabuf",
                Map.of("size", size, "piece", piece, "gap", gap, "huge", 1, "name", name));
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

    /** Maps a part of it for the CPU, where its exporter lets it. */
    public BarMapping map(long offset, long length, String mapping) {
        agent.call(
                "dmabuf.map",
                Map.of("dmabuf", name, "name", mapping, "offset", offset, "length", length));
        return new BarMapping(agent, mapping);
    }

    public void close() {
        agent.call("handle.close", Map.of("name", name));
    }
}
