// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.Optional;
import java.util.regex.Pattern;

/** When QEMU stopped decoding a BAR, from its trace: the same whatever the IOMMU is. */
public final class BarTrace {
    /** What to give to QEMU's {@code -trace}. */
    public static final String EVENT = "pci_update_mappings_del";

    private static final Pattern UNMAPPED =
            Pattern.compile("\\S+ (\\S+) (\\d+),0x(\\p{XDigit}+)\\+0x\\p{XDigit}+");

    private BarTrace() {}

    /**
     * Reads one line; empty when it is another event.
     *
     * @throws MalformedTraceException when its form is not understood
     */
    static Optional<TraceEvent> parse(TraceLine line) {
        if (!line.event().equals(EVENT)) {
            return Optional.empty();
        }
        return line.map(
                UNMAPPED,
                m ->
                        new TraceEvent.BarUnmapped(
                                line.at(),
                                SourceId.parse(m.group(1)),
                                Integer.parseInt(m.group(2)),
                                Long.parseUnsignedLong(m.group(3), 16)));
    }
}
