// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

/** The IOMMUs a guest can have, each a machine of its own in qemu/machines. */
public enum IommuModel {
    /** Intel VT-d, legacy mode. */
    VTD("vtd"),
    /** Intel VT-d, scalable mode: PASID tables between context entries and page tables. */
    VTD_SCALABLE("vtd-scalable"),
    /** virtio-iommu: no tables at all, mappings are requests to QEMU. */
    VIRTIO("virtio-iommu"),
    /** AMD-Vi. */
    AMD("amd");

    private final String label;

    IommuModel(String label) {
        this.label = label;
    }

    /** The name on the command line and in reports. */
    @Override
    public String toString() {
        return label;
    }
}
