// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.LinkedHashMap;
import java.util.Map;

/** An iommufd address space: iommufd as importer. */
public final class Ioas implements PageTable {
    /**
     * What is mapped here and yet not in the page table of each HWPT, in bytes.
     *
     * @param revoked the part whose exporter has revoked access
     */
    public record Holes(long missing, long revoked) {}

    private final Agent agent;
    private final String name;

    private Ioas(Agent agent, String name) {
        this.agent = agent;
        this.name = name;
    }

    public static Ioas alloc(Agent agent, String name) {
        agent.call("ioas.alloc", Map.of("name", name));
        return new Ioas(agent, name);
    }

    @Override
    public String name() {
        return name;
    }

    /** IOMMU_IOAS_MAP_FILE of part of a dma-buf at a fixed IOVA, readable and writable. */
    public void map(DmaBuf buffer, long iova, long start, long length) {
        agent.call("ioas.map", mapArguments(buffer, iova, start, length));
    }

    /** The same, readable only. */
    public void mapReadOnly(DmaBuf buffer, long iova, long start, long length) {
        Map<String, Object> arguments =
                new LinkedHashMap<>(mapArguments(buffer, iova, start, length));
        arguments.put("write", 0);
        agent.call("ioas.map", arguments);
    }

    public Answer tryMap(DmaBuf buffer, long iova, long start, long length) {
        return agent.attempt("ioas.map", mapArguments(buffer, iova, start, length));
    }

    /** What an agent is asked for to map it, for others to ask. */
    public Map<String, ?> mapArguments(DmaBuf buffer, long iova, long start, long length) {
        return Map.of(
                "ioas",
                name,
                "dmabuf",
                buffer.name(),
                "iova",
                iova,
                "start",
                start,
                "length",
                length);
    }

    public void destroy() {
        agent.call("ioas.destroy", Map.of("name", name));
    }

    public void unmap(long iova, long length) {
        agent.call("ioas.unmap", Map.of("ioas", name, "iova", iova, "length", length));
    }

    /** IOMMU_IOAS_RESTORE everywhere; returns the holes that remain. */
    public Holes restore() {
        return holes(agent.call("ioas.restore", Map.of("ioas", name)));
    }

    /** All holes, which stay as they are. */
    public Holes holes() {
        return holes(agent.call("ioas.restore", Map.of("ioas", name, "report", 1)));
    }

    /** The holes of a range, which stay as they are. */
    public Holes holes(long iova, long length) {
        return holes(
                agent.call(
                        "ioas.restore",
                        Map.of("ioas", name, "iova", iova, "length", length, "report", 1)));
    }

    /** Restores a range where the kernel may refuse: ENOTTY if it does not know how. */
    public Answer tryRestore(long iova, long length) {
        return agent.attempt("ioas.restore", Map.of("ioas", name, "iova", iova, "length", length));
    }

    private static Holes holes(Answer answer) {
        return new Holes(answer.number("missing"), answer.number("revoked"));
    }
}
