// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.Guest;
import dmabuflab.qemu.QemuProcess;
import dmabuflab.witness.AmdTrace;
import dmabuflab.witness.QemuTrace;
import dmabuflab.witness.TraceParser;
import dmabuflab.witness.VirtioIommuTrace;
import dmabuflab.witness.VtdTrace;
import java.nio.file.Path;
import java.util.List;

/** The IOMMUs a guest can have, each with a machine of its own in qemu/machines. */
public enum IommuModel {
    /** Intel VT-d, legacy mode. */
    VTD("vtd", "q35-vtd", "intel_iommu_tlb_sync") {
        @Override
        TraceParser parser() {
            return new VtdTrace();
        }

        @Override
        TracedIommu view(Guest guest, QemuTrace trace, Testimony testimony) {
            return new VtdView(guest, trace, testimony, false);
        }
    },

    /** Intel VT-d, scalable mode: PASID tables between context entries and page tables. */
    VTD_SCALABLE("vtd-scalable", "q35-vtd-scalable", "intel_iommu_tlb_sync") {
        @Override
        TraceParser parser() {
            return new VtdTrace();
        }

        @Override
        TracedIommu view(Guest guest, QemuTrace trace, Testimony testimony) {
            return new VtdView(guest, trace, testimony, true);
        }
    },

    /** virtio-iommu: no tables at all, mappings are requests to QEMU. */
    VIRTIO("virtio-iommu", "q35-virtio-iommu", "viommu_iotlb_sync") {
        @Override
        TraceParser parser() {
            return new VirtioIommuTrace();
        }

        @Override
        TracedIommu view(Guest guest, QemuTrace trace, Testimony testimony) {
            return new VirtioIommuView(trace, testimony);
        }
    },

    /** AMD-Vi. */
    AMD("amd", "q35-amd-iommu", "amd_iommu_iotlb_sync") {
        @Override
        TraceParser parser() {
            return new AmdTrace();
        }

        @Override
        TracedIommu view(Guest guest, QemuTrace trace, Testimony testimony) {
            return new AmdView(guest, trace, testimony);
        }
    };

    private final String label;
    private final String machine;
    private final String syncFunction;

    IommuModel(String label, String machine, String syncFunction) {
        this.label = label;
        this.machine = machine;
        this.syncFunction = syncFunction;
    }

    /** Name of its machine: a file in qemu/machines without {@code .cfg}. */
    public String machine() {
        return machine;
    }

    /**
     * What is recorded of its driver in the guest: {@code iotlb_synced}, when the invalidations of
     * what was unmapped are done.
     */
    List<String> kernelProbes() {
        return List.of("r:dmabuflab/iotlb_synced " + syncFunction);
    }

    /** Understands what QEMU traces of it. */
    abstract TraceParser parser();

    /** The witness for a guest that has this IOMMU, whose trace goes to these artefacts. */
    TracedIommu view(Guest guest, Path artefacts, Testimony testimony) {
        QemuTrace trace = new QemuTrace(artefacts.resolve(QemuProcess.TRACE), parser());
        return view(guest, trace, testimony);
    }

    abstract TracedIommu view(Guest guest, QemuTrace trace, Testimony testimony);

    /** The name on the command line and in reports. */
    @Override
    public String toString() {
        return label;
    }
}
