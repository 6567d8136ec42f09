// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.OptionalInt;

/** The layout of a VT-d fault recording register (FRCD_REG), 128 bits. */
public final class FaultRecord {
    private FaultRecord() {}

    /** Whether the register holds a fault that software has not taken yet. */
    public static boolean pending(long high) {
        return high < 0;
    }

    /**
     * Decodes a register, pending or not.
     *
     * @param low bits 63:0
     * @param high bits 127:64
     */
    public static IommuFault decode(long low, long high) {
        boolean hasPasid = (high >>> 31 & 1) != 0;
        return new IommuFault(
                new SourceId((int) high & 0xffff),
                low & ~0xfffL,
                access((int) (high >>> 62) & 1, (int) (high >>> 28) & 1),
                VtdFaultReason.of((int) (high >>> 32) & 0xff),
                hasPasid ? OptionalInt.of((int) (high >>> 40) & 0xf_ffff) : OptionalInt.empty());
    }

    private static IommuFault.Access access(int type1, int type2) {
        if (type2 != 0) {
            return IommuFault.Access.OTHER;
        }
        return type1 != 0 ? IommuFault.Access.READ : IommuFault.Access.WRITE;
    }
}
