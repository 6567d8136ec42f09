// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.List;
import java.util.Map;

/** A network interface of software inside the guest, for {@link RdmaLink}s to run over. */
public final class NetInterface {
    private final Agent agent;
    private final String name;

    private NetInterface(Agent agent, String name) {
        this.agent = agent;
        this.name = name;
    }

    /** One that leads nowhere: what runs over it reaches itself. */
    public static NetInterface dummy(Agent agent, String name) {
        agent.call("net.dummy", Map.of("name", name));
        return new NetInterface(agent, name);
    }

    /** Two that lead to each other; see {@link #moveTo}: at home both would be local. */
    public static List<NetInterface> veth(Agent agent, String name, String peer) {
        agent.call("net.veth", Map.of("name", name, "peer", peer));
        return List.of(new NetInterface(agent, name), new NetInterface(agent, peer));
    }

    public String name() {
        return name;
    }

    /** Gives it an IPv4 address and the length of its prefix, 10.0.0.1/24, and brings it up. */
    public void address(String address) {
        agent.call("net.address", Map.of("name", name, "address", address));
    }

    /** Has it lose so many percent of what it sends; 0 ends that. */
    public void loss(int percent) {
        agent.call("net.loss", Map.of("name", name, "percent", percent));
    }

    /**
     * Moves it to the network namespace of a process that has one of its own, where it has no
     * address yet.
     */
    public NetInterface moveTo(GuestProcess process) {
        agent.call("net.move", Map.of("name", name, "pid", process.pid()));
        return new NetInterface(process.agent(), name);
    }

    /** Deletes it, and with it the one it leads to. */
    public void delete() {
        agent.call("net.delete", Map.of("name", name));
    }
}
