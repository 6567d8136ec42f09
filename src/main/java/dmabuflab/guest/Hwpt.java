// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Map;

/** An iommufd page table of its own, filled with the mappings of an {@link Ioas}. */
public final class Hwpt implements PageTable {
    private final Agent agent;
    private final String name;

    private Hwpt(Agent agent, String name) {
        this.agent = agent;
        this.name = name;
    }

    /** IOMMU_HWPT_ALLOC, in the format that the device's IOMMU needs. */
    public static Hwpt alloc(Agent agent, VfioDevice device, Ioas ioas, String name) {
        agent.call("hwpt.alloc", arguments(device, ioas, name));
        return new Hwpt(agent, name);
    }

    /** Allocates where the kernel is expected to refuse, or may. */
    public static Answer tryAlloc(Agent agent, VfioDevice device, Ioas ioas, String name) {
        return agent.attempt("hwpt.alloc", arguments(device, ioas, name));
    }

    private static Map<String, ?> arguments(VfioDevice device, Ioas ioas, String name) {
        return Map.of("name", name, "dev", device.name(), "ioas", ioas.name());
    }

    @Override
    public String name() {
        return name;
    }

    public void destroy() {
        agent.call("hwpt.destroy", Map.of("name", name));
    }
}
