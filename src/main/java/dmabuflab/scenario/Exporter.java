// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.PluggedDevice;
import dmabuflab.guest.VfioDevice;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.host.InfrastructureException;
import dmabuflab.qemu.PciDevice;
import dmabuflab.qemu.Qmp;
import dmabuflab.witness.BarFile;
import java.util.List;
import java.util.Map;

/** A memory device opened through vfio-pci: one of its BARs is a file that this process maps. */
public final class Exporter {
    public static final long PAGE = 4096;

    private static final String NVME = "nvme";

    /** The register whose bit 0 makes nvme's memory region answer. */
    private static final long NVME_PMRCTL = 0xe04;

    private final Qmp qmp;
    private final PluggedDevice device;
    private final VfioDevice vfio;
    private final BarFile memory;
    private final Testimony testimony;
    private final int bar;
    private int exported;

    Exporter(Qmp qmp, PluggedDevice device, VfioDevice vfio, BarFile memory, Testimony testimony) {
        this.qmp = qmp;
        this.device = device;
        this.vfio = vfio;
        this.memory = memory;
        this.testimony = testimony;
        this.bar = memoryBar(PciDevice.find(qmp, device.hardware().id()));
        if (device.model().equals(NVME)) {
            vfio.write(0, NVME_PMRCTL, "01000000");
        }
    }

    /** The BAR that the file is behind: the one of its size. */
    private int memoryBar(PciDevice decoding) {
        return decoding.bars().entrySet().stream()
                .filter(each -> each.getValue().size() == device.size())
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow(
                        () ->
                                new InfrastructureException(
                                        "no BAR of " + device.model() + " is its memory",
                                        device.size() + " bytes; it has " + decoding.bars(),
                                        "is the size a power of 2, and did the guest find room?"));
    }

    public VfioDevice vfio() {
        return vfio;
    }

    /** Address of the device that came with it and shares its resets. */
    public String sibling() {
        return device.siblings().get(0).bdf();
    }

    /** Where QEMU and the guest have it, and what came with it. */
    PluggedDevice device() {
        return device;
    }

    /** Index of the BAR that is backed by a file. */
    public int bar() {
        return bar;
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
        PciDevice.Bar decoded = PciDevice.find(qmp, device.hardware().id()).bars().get(bar);
        testimony.record(
                Witness.HARDWARE,
                decoded == null
                        ? device.bdf() + " BAR " + bar + " is not decoded"
                        : String.format("%s BAR %d at 0x%x", device.bdf(), bar, decoded.start()));
        if (decoded == null) {
            throw new AssertionError(device.bdf() + " does not decode BAR " + bar);
        }
        return (decoded.start() + offset) / PAGE;
    }

    /** Exports these ranges of the BAR, in this order, as one dma-buf. */
    public DmaBuf export(Range... ranges) {
        return vfio.export(bar, List.of(ranges), nextName());
    }

    /** The same as a dma-buf that is open for reading only. */
    public DmaBuf exportReadOnly(Range... ranges) {
        return vfio.exportReadOnly(bar, List.of(ranges), nextName());
    }

    private String nextName() {
        return device.hardware().id() + "-buf" + exported++;
    }

    /** Exports the whole BAR. */
    public DmaBuf exportAll() {
        return export(new Range(0, size()));
    }
}
