// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Map;

/** The guest's PCI devices as a whole: their coming and going. */
public final class PciBus {
    private final Agent agent;

    public PciBus(Agent agent) {
        this.agent = agent;
    }

    /** A device whose DMA reaches all of the guest's memory: the one the agent is heard through. */
    public String busMaster() {
        for (JsonNode device : agent.call("pci.list", Map.of()).json().required("devices")) {
            if (device.required("driver").asText().equals("virtio-pci")) {
                return device.required("bdf").asText();
            }
        }
        throw new IllegalStateException("a guest whose agent answers has a virtio device");
    }

    /** Removes a device as if it were unplugged; blocks until its driver has let go. */
    public void remove(String bdf) {
        agent.call("pci.remove", Map.of("bdf", bdf));
    }

    /** Looks for devices on all buses, and so finds a removed one again. */
    public void rescan() {
        agent.call("pci.rescan", Map.of());
    }

    /**
     * Waits until a device is there no longer.
     *
     * @throws AgentRefusal with ETIMEDOUT when it still is after the limit
     */
    public void awaitGone(String bdf, Duration limit) {
        agent.call("pci.gone", Map.of("bdf", bdf, "timeout_ms", limit.toMillis()));
    }
}
