// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

/** The fault reasons of VT-d, in words. */
final class VtdFaultReason {
    private VtdFaultReason() {}

    /** A reason code with what it means, for instance {@code 0x5, page not writable}. */
    static String of(int code) {
        return String.format("0x%x, %s", code, meaning(code));
    }

    private static String meaning(int code) {
        switch (code) {
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
}
