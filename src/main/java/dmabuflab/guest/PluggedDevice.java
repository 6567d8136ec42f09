// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.InfrastructureException;
import dmabuflab.qemu.PciDevice;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A device the guest has enumerated.
 *
 * @param model the name of its description, for instance {@code ivshmem}
 * @param hardware where QEMU's device model says it is
 * @param memory host file behind its BAR, null when it has none
 * @param size of that file in bytes, 0 when there is none
 * @param siblings devices that came with it: other functions, or others on its bus
 */
public record PluggedDevice(
        String model, PciDevice hardware, Path memory, long size, List<PciDevice> siblings) {

    /** The address the guest's kernel gave it, as in {@code 0000:01:00.0}. */
    public String bdf() {
        return hardware.bdf();
    }

    /** Index of the BAR that the file is behind: the one of its size. */
    public int memoryBar() {
        return hardware.bars().entrySet().stream()
                .filter(bar -> bar.getValue().size() == size)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow(
                        () ->
                                new InfrastructureException(
                                        "no BAR of " + model + " has its memory",
                                        "of " + size + " bytes; it has " + hardware.bars(),
                                        "is the size a power of 2, and did the guest find room?"));
    }
}
