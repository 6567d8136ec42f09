// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.Locale;
import java.util.OptionalInt;

/**
 * One DMA request that the IOMMU refused. The same type whoever reports it: the fault recording
 * registers, QEMU's trace or the guest kernel's log.
 *
 * @param source who asked
 * @param address I/O virtual address in bytes; registers and kernel only know its page
 * @param access what was asked
 * @param reason why it was refused, in the words of this kind of IOMMU
 * @param pasid the request's PASID if it had one
 */
public record IommuFault(
        SourceId source, long address, Access access, String reason, OptionalInt pasid) {
    /** Kinds of request. */
    public enum Access {
        /** Memory read. */
        READ,
        /** Memory write. */
        WRITE,
        /** Atomic operation, or a page request message. */
        OTHER,
        /** The witness does not tell. */
        UNKNOWN
    }

    /** First address of the 4 KiB page. */
    public long page() {
        return address & ~0xfffL;
    }

    /** Whether it is, for all that is known, this kind of request. */
    public boolean couldBe(Access kind) {
        return access == kind || access == Access.UNKNOWN;
    }

    @Override
    public String toString() {
        return String.format(
                "%s %s 0x%x refused: %s%s",
                source,
                access.name().toLowerCase(Locale.ROOT),
                address,
                reason,
                pasid.isPresent() ? String.format(" PASID 0x%x", pasid.getAsInt()) : "");
    }
}
