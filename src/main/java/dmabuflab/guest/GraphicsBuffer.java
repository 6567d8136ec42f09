// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Map;

/** A dma-buf that a driver of the graphics stack has imported. */
public final class GraphicsBuffer {
    private final Agent agent;
    private final String name;

    private GraphicsBuffer(Agent agent, String name) {
        this.agent = agent;
        this.name = name;
    }

    /** One that {@link #tryImport} has imported. */
    public static GraphicsBuffer imported(Agent agent, String name) {
        return new GraphicsBuffer(agent, name);
    }

    /** Imports it by the first card of a driver, such as "vgem", as far as that takes it. */
    public static Answer tryImport(Agent agent, String driver, DmaBuf buffer, String name) {
        return agent.attempt("drm.import", arguments(driver, buffer, name));
    }

    private static Map<String, ?> arguments(String driver, DmaBuf buffer, String name) {
        return Map.of("driver", driver, "dmabuf", buffer.name(), "name", name);
    }

    public void close() {
        agent.call("handle.close", Map.of("name", name));
    }
}
