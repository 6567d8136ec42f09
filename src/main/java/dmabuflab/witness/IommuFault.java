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
 * @param reason the VT-d fault reason
 * @param pasid the request's PASID if it had one
 */
public record IommuFault(
        SourceId source, long address, Access access, int reason, OptionalInt pasid) {
    /** Kinds of request. */
    public enum Access {
        /** Memory read. */
        READ,
        /** Memory write. */
        WRITE,
        /** Atomic operation, or a page request message. */
        OTHER
    }

    /** First address of the 4 KiB page. */
    public long page() {
        return address & ~0xfffL;
    }

    /** The reason in words. */
    public String reasonText() {
        switch (reason) {
            case 0x1:
                return "root entry not present";
            case 0x2:
                return "context entry not present";
            case 0x3:
                return "context entry invalid";
            case 0x4:
                return "address beyond the supported width";
            case 0x5:
                return "page not writable";
            case 0x6:
                return "page not readable";
            case 0x7:
                return "next page table not accessible";
            case 0x8:
                return "root table not accessible";
            case 0x9:
                return "context table not accessible";
            case 0xa:
                return "reserved bits set in root entry";
            case 0xb:
                return "reserved bits set in context entry";
            case 0xc:
                return "reserved bits set in page table entry";
            case 0xd:
                return "request type blocked by context entry";
            default:
                return "other";
        }
    }

    @Override
    public String toString() {
        return String.format(
                "%s %s 0x%x refused, reason 0x%x (%s)%s",
                source,
                access.name().toLowerCase(Locale.ROOT),
                address,
                reason,
                reasonText(),
                pasid.isPresent() ? String.format(" PASID 0x%x", pasid.getAsInt()) : "");
    }
}
