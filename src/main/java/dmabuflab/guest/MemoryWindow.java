// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Map;

/** A window on a {@link MemoryRegion}, once it is bound to one: {@link QueuePair#bind}. */
public final class MemoryWindow {
    private final Agent agent;
    private final String name;
    private long rkey;

    MemoryWindow(Agent agent, String name, long rkey) {
        this.agent = agent;
        this.name = name;
        this.rkey = rkey;
    }

    public String name() {
        return name;
    }

    /** The key for remote access; each binding makes a new one. */
    public long rkey() {
        return rkey;
    }

    void bound(long key) {
        this.rkey = key;
    }

    public void close() {
        agent.call("rdma.close", Map.of("name", name));
    }
}
