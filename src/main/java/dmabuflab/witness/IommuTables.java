// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What the devices behind an IOMMU can reach, by what the IOMMU itself goes by: tables in guest
 * memory, or requests it has granted. What it has cached, and forgot to drop, is not in here.
 */
public interface IommuTables {
    /** The domain whose translations a device uses; empty when all its requests are blocked. */
    OptionalInt domain(SourceId source);

    /**
     * What a request of {@code source} to {@code iova} reaches; empty when it would fault. A device
     * that the IOMMU lets through untranslated reaches the same physical address.
     */
    Optional<Translation> translate(SourceId source, long iova);

    /** Everything that {@code source} can reach, in order of I/O virtual address. */
    List<Mapping> mappings(SourceId source);
}
