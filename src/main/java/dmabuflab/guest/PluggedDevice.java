// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.qemu.PciDevice;
import java.nio.file.Path;
import java.util.List;

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
}
