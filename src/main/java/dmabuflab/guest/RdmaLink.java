// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Map;

/** A soft-RoCE device over a network interface. Every process can open it. */
public final class RdmaLink {
    private final Agent agent;
    private final String name;

    private RdmaLink(Agent agent, String name) {
        this.agent = agent;
        this.name = name;
    }

    /**
     * Makes a device over an interface of this agent's that has an address, and returns when its
     * port is active and has that address as a GID.
     */
    public static RdmaLink create(Agent agent, String name, NetInterface network) {
        agent.call("rdma.link", Map.of("name", name, "interface", network.name()));
        return new RdmaLink(agent, name);
    }

    public String name() {
        return name;
    }

    /** Opens it. */
    public RdmaEndpoint open(String endpoint) {
        return openIn(agent, endpoint);
    }

    /** Opens it in another process. */
    public RdmaEndpoint openIn(Agent process, String endpoint) {
        process.call("rdma.open", Map.of("name", endpoint, "dev", name));
        return new RdmaEndpoint(process, endpoint);
    }

    /** Removes it, whoever uses it. */
    public void remove() {
        agent.call("rdma.unlink", Map.of("name", name));
    }
}
