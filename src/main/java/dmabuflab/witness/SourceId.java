// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Who issued a DMA request: the 16-bit PCI requester id. A device behind a conventional PCI bridge
 * appears under the bridge's id.
 *
 * @param value bus in bits 15:8, device in 7:3, function in 2:0
 */
public record SourceId(int value) {
    private static final Pattern TEXT =
            Pattern.compile("(?:[0-9a-fA-F]{4}:)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\\.0?([0-7])");

    public SourceId {
        if (value < 0 || value > 0xffff) {
            throw new IllegalArgumentException("a source id has 16 bits: " + value);
        }
    }

    /** The id of a device's function. */
    public static SourceId of(int bus, int device, int function) {
        if (bus < 0 || bus > 0xff || device < 0 || device > 31 || function < 0 || function > 7) {
            throw new IllegalArgumentException(
                    "no such PCI function: bus " + bus + " device " + device + "." + function);
        }
        return new SourceId(bus << 8 | device << 3 | function);
    }

    /**
     * Reads {@code 01:00.0} or {@code 0000:01:00.0}; QEMU's {@code 01:00.00} is understood too.
     *
     * @throws IllegalArgumentException when the text is nothing of this kind
     */
    public static SourceId parse(String bdf) {
        Matcher m = TEXT.matcher(bdf);
        if (!m.matches()) {
            throw new IllegalArgumentException("not a PCI address: " + bdf);
        }
        return of(
                Integer.parseInt(m.group(1), 16),
                Integer.parseInt(m.group(2), 16),
                Integer.parseInt(m.group(3)));
    }

    /** The bus number. */
    public int bus() {
        return value >> 8;
    }

    /** Device and function in one byte, as context tables are indexed. */
    public int devfn() {
        return value & 0xff;
    }

    @Override
    public String toString() {
        return String.format("%02x:%02x.%d", bus(), devfn() >> 3, devfn() & 7);
    }
}
