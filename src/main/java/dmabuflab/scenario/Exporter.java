// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.PluggedDevice;
import dmabuflab.guest.VfioDevice;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.qemu.PciDevice;
import dmabuflab.qemu.Qmp;
import dmabuflab.witness.BarFile;
import java.util.List;

/** An ivshmem device opened through vfio-pci: its BAR 2 is memory that this process maps. */
public final class Exporter {
    /** The BAR that is backed by a file. */
    public static final int BAR = 2;

    public static final long PAGE = 4096;

    private final Qmp qmp;
    private final PluggedDevice device;
    private final VfioDevice vfio;
    private final BarFile memory;
    private final Testimony testimony;
    private int exported;

    Exporter(Qmp qmp, PluggedDevice device, VfioDevice vfio, BarFile memory, Testimony testimony) {
        this.qmp = qmp;
        this.device = device;
        this.vfio = vfio;
        this.memory = memory;
        this.testimony = testimony;
    }

    public VfioDevice vfio() {
        return vfio;
    }

    /** Size of the BAR in bytes. */
    public long size() {
        return device.size();
    }

    /** The BAR's content, seen from outside the guest. */
    public BarFile memory() {
        testimony.record(Witness.MEMORY, "read " + device.memory().getFileName());
        return memory;
    }

    /** Page frame at an offset into the BAR, from where QEMU decodes it now. */
    public long pfn(long offset) {
        return (bar().start() + offset) / PAGE;
    }

    private PciDevice.Bar bar() {
        PciDevice.Bar bar = PciDevice.find(qmp, device.hardware().id()).bars().get(BAR);
        testimony.record(
                Witness.HARDWARE,
                bar == null
                        ? device.bdf() + " BAR " + BAR + " is not decoded"
                        : String.format("%s BAR %d at 0x%x", device.bdf(), BAR, bar.start()));
        if (bar == null) {
            throw new AssertionError(device.bdf() + " does not decode BAR " + BAR);
        }
        return bar;
    }

    /** Exports these ranges of the BAR, in this order, as one dma-buf. */
    public DmaBuf export(Range... ranges) {
        return vfio.export(BAR, List.of(ranges), device.hardware().id() + "-buf" + exported++);
    }

    /** Exports the whole BAR. */
    public DmaBuf exportAll() {
        return export(new Range(0, size()));
    }
}
