// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Map;

/**
 * Memory that the process has mapped and that is a dma-buf as well, byte by byte in the same order.
 */
public record SharedMemory(DmaBuf buffer, BarMapping mapping) implements AutoCloseable {
    /**
     * Allocates it in pieces that do not follow each other in memory.
     *
     * @param piece size of a piece in bytes
     * @param huge of huge pages, which the guest must have
     */
    public static SharedMemory of(Agent agent, long size, long piece, boolean huge, String name) {
        String mapping = name + "-mapping";
        agent.call(
                "dmabuf.udmabuf",
                Map.of(
                        "size",
                        size,
                        "piece",
                        piece,
                        "huge",
                        huge ? 1 : 0,
                        "name",
                        name,
                        "mapping",
                        mapping));
        return new SharedMemory(new DmaBuf(agent, name), new BarMapping(agent, mapping));
    }

    @Override
    public void close() {
        buffer.close();
        mapping.close();
    }
}
