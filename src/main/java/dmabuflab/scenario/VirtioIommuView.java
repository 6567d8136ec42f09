// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.witness.IommuFault;
import dmabuflab.witness.IommuTables;
import dmabuflab.witness.QemuTrace;
import dmabuflab.witness.TraceEvent;
import dmabuflab.witness.VirtioIommuMappings;
import java.util.Optional;

/** virtio-iommu: what QEMU has granted, replayed from its trace. */
final class VirtioIommuView extends TracedIommu {
    private final VirtioIommuMappings mappings = new VirtioIommuMappings();

    VirtioIommuView(QemuTrace trace, Testimony testimony) {
        super(trace, testimony);
    }

    @Override
    void happened(TraceEvent event) {
        mappings.accept(event);
    }

    @Override
    IommuTables tables() {
        events();
        return mappings;
    }

    @Override
    Optional<IommuFault> faultRecord() {
        return Optional.empty();
    }

    @Override
    public void close() {}
}
