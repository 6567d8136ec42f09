// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.host.InfrastructureException;
import dmabuflab.qemu.Qmp;
import java.util.regex.Pattern;

/** A device's registers of 64 bits, read past the guest. */
final class Registers {
    private static final Pattern QUADWORD = Pattern.compile("0x([0-9a-f]{16})(?!\\d)");

    private final Qmp qmp;
    private final long base;

    /**
     * @param base guest physical address of the first
     */
    Registers(Qmp qmp, long base) {
        this.qmp = qmp;
        this.base = base;
    }

    /** The register at this offset in bytes. */
    long read(long offset) {
        return read(offset, 1)[0];
    }

    /** Consecutive registers. */
    long[] read(long offset, int count) {
        String answer = qmp.monitor(String.format("xp /%dgx 0x%x", count, base + offset));
        long[] values =
                QUADWORD.matcher(answer)
                        .results()
                        .mapToLong(value -> Long.parseUnsignedLong(value.group(1), 16))
                        .toArray();
        if (values.length != count) {
            throw new InfrastructureException(
                    "cannot read the IOMMU's registers",
                    "QEMU's monitor said: " + answer,
                    "does the machine file have this IOMMU?");
        }
        return values;
    }
}
