// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Map;

/** An iommufd address space: iommufd as importer. */
public final class Ioas {
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

    public String name() {
        return name;
    }

    /** IOMMU_IOAS_MAP_FILE of part of a dma-buf at a fixed IOVA, readable and writable. */
    public void map(DmaBuf buffer, long iova, long start, long length) {
        agent.call("ioas.map", mapArguments(buffer, iova, start, length));
    }

    public Answer tryMap(DmaBuf buffer, long iova, long start, long length) {
        return agent.attempt("ioas.map", mapArguments(buffer, iova, start, length));
    }

    private Map<String, ?> mapArguments(DmaBuf buffer, long iova, long start, long length) {
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

    public void unmap(long iova, long length) {
        agent.call("ioas.unmap", Map.of("ioas", name, "iova", iova, "length", length));
    }
}
