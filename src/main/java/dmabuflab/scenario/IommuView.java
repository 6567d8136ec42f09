// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.VfioDevice;
import dmabuflab.witness.IommuFault;
import dmabuflab.witness.Mapping;
import dmabuflab.witness.TraceEvent;
import dmabuflab.witness.Translation;
import java.util.List;
import java.util.Optional;

/**
 * The IOMMU seen from outside the guest: what it translates by, read or replayed by this process,
 * and what QEMU's model of it did. The same for every {@link IommuModel}, except where it says so.
 *
 * <p>Every answer is of the moment it is asked for, and is recorded as the hardware's testimony.
 */
public interface IommuView extends AutoCloseable {
    /**
     * Where a device's request to this IOVA would go, empty if it would fault. A device that the
     * IOMMU lets through reaches the same physical address.
     */
    Optional<Translation> translate(VfioDevice device, long iova);

    /** Everything a device can reach. */
    List<Mapping> mappings(VfioDevice device);

    /**
     * Every DMA request of the device that QEMU's IOMMU has refused so far, one for each access on
     * the bus.
     */
    List<IommuFault> faults(VfioDevice device);

    /**
     * What the IOMMU's fault recording register holds, taken by the guest's kernel or not; empty
     * when this model has no such register.
     */
    Optional<IommuFault> lastFaultRecord();

    /**
     * How often the guest has invalidated what may be cached of this IOVA in the device's domain.
     *
     * @throws AssertionError when the device is in no domain
     */
    long iotlbInvalidations(VfioDevice device, long iova);

    /**
     * Whether what may be cached of this IOVA was invalidated before the exporter stopped decoding
     * its BAR, the first time since then; empty when it has decoded it ever since.
     *
     * @param since how many {@link #events} there had been
     * @throws AssertionError when the device is in no domain
     */
    Optional<Boolean> invalidatedBeforeDecodingEnded(
            VfioDevice device, long iova, Exporter exporter, int since);

    /** What QEMU's IOMMU has traced so far. */
    List<TraceEvent> events();

    @Override
    void close();
}
