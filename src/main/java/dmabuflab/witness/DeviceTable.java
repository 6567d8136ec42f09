// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

/**
 * Where a device's requests are translated, as its context (or PASID) entry says.
 *
 * @param kind which sort of page table, if any
 * @param domain domain id, the tag of its IOTLB entries
 * @param address physical address of the topmost page table; 0 for pass-through
 * @param levels number of page table levels; 0 for pass-through
 * @param width width in bits of the addresses that the device may use
 */
public record DeviceTable(Kind kind, int domain, long address, int levels, int width) {
    /** Sorts of translation. */
    public enum Kind {
        /** The device uses physical addresses and may reach everything. */
        PASS_THROUGH,
        /** The VT-d's own format, the usual one. */
        SECOND_STAGE,
        /** The CPU's page table format (scalable mode only). */
        FIRST_STAGE
    }

    @Override
    public String toString() {
        return String.format(
                "%s domain %d table 0x%x levels %d width %d", kind, domain, address, levels, width);
    }
}
