// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Map;

/** Memory of a {@link Vm} that userspace need not see. */
public final class GuestMemfd {
    private final Agent agent;
    private final String name;

    GuestMemfd(Agent agent, String name) {
        this.agent = agent;
        this.name = name;
    }

    public String name() {
        return name;
    }

    public void close() {
        agent.call("handle.close", Map.of("name", name));
    }
}
