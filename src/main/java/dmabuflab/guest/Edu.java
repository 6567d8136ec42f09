// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Map;

/** The DMA engine: copies between IOVAs and its own 4 KiB buffer, through the IOMMU. */
public final class Edu {
    /**
     * Longest transfer in bytes that scenarios ask for: half the device's buffer, because QEMU
     * before 8.0 aborts on a transfer of all of it.
     */
    public static final int TRANSFER = 2048;

    private final Agent agent;
    private final VfioDevice device;

    public Edu(Agent agent, VfioDevice device) {
        this.agent = agent;
        this.device = device;
    }

    public VfioDevice device() {
        return device;
    }

    /** Reads memory at an IOVA into the device. */
    public void read(long iova, long offset, long length) {
        dma("to_device", iova, offset, length);
    }

    /** Writes the device's buffer to an IOVA. */
    public void write(long iova, long offset, long length) {
        dma("from_device", iova, offset, length);
    }

    private void dma(String direction, long iova, long offset, long length) {
        agent.call(
                "edu.dma",
                Map.of(
                        "dev",
                        device.name(),
                        "direction",
                        direction,
                        "iova",
                        iova,
                        "offset",
                        offset,
                        "length",
                        length));
    }
}
