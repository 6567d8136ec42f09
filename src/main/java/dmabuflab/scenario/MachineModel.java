// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.Machine;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import java.util.List;

/**
 * A machine that scenarios run on. All guests of one are loaded from the same snapshot.
 *
 * @param builtIn what it has beyond what each machine has: names of files in qemu/builtin
 */
public record MachineModel(IommuModel iommu, List<String> builtIn) {
    /** The machine of scenarios that ask for nothing else. */
    public static final MachineModel DEFAULT = new MachineModel(IommuModel.VTD, List.of());

    /**
     * Its description.
     *
     * @throws InfrastructureException when there is no such machine
     */
    public Machine machine(ProjectFiles project) {
        return Machine.named(project, iommu.machine(), builtIn);
    }

    /** For file names: {@code vtd-switch}. */
    String label() {
        return toString().replace(' ', '-');
    }

    /** The name in reports: {@code vtd switch}. */
    @Override
    public String toString() {
        return (iommu + " " + String.join(" ", builtIn)).strip();
    }
}
