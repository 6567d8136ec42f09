// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Map;

/** Dma-bufs as buffers of the graphics stack. */
public final class GraphicsBuffer {
    private GraphicsBuffer() {}

    /** Has the first card of a driver, such as "vgem", import it, until the handle is closed. */
    public static Answer tryImport(Agent agent, String driver, DmaBuf buffer, String name) {
        return agent.attempt(
                "drm.import", Map.of("driver", driver, "dmabuf", buffer.name(), "name", name));
    }
}
