// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Collects the IOMMU faults that the guest's kernel prints on its console. It prints the page, not
 * the exact address, and only some of many faults in quick succession: absence here proves nothing.
 *
 * <p>Safe for several threads.
 */
public final class DmarConsole {
    private static final Pattern FAULT =
            Pattern.compile(
                    "^DMAR: \\[DMA (Read|Write) (?:NO_PASID|PASID 0x(\\p{XDigit}+))\\] Request"
                            + " device \\[([^\\]]+)\\] fault addr 0x(\\p{XDigit}+)"
                            + " \\[fault reason 0x(\\p{XDigit}+)\\]");

    private final LineBuffer lines = new LineBuffer();
    private final List<IommuFault> faults = new ArrayList<>();

    /** Takes the next piece of the console; it may end within a line. */
    public synchronized void accept(byte[] bytes, int offset, int length) {
        lines.accept(bytes, offset, length, this::line);
    }

    /** Takes the next piece of the console; it may end within a line. */
    public void accept(byte[] bytes) {
        accept(bytes, 0, bytes.length);
    }

    private void line(String line) {
        KernelLine.split(line).forEach(part -> parse(part).ifPresent(faults::add));
    }

    /** The faults so far, in order. */
    public synchronized List<IommuFault> faults() {
        return List.copyOf(faults);
    }

    /** Reads one line of the console; empty when it reports no DMA fault. */
    public static Optional<IommuFault> parse(String line) {
        Matcher m = FAULT.matcher(KernelLine.message(line));
        if (!m.find()) {
            return Optional.empty();
        }
        return Optional.of(
                new IommuFault(
                        SourceId.parse(m.group(3)),
                        Long.parseUnsignedLong(m.group(4), 16),
                        m.group(1).equals("Read")
                                ? IommuFault.Access.READ
                                : IommuFault.Access.WRITE,
                        VtdFaultReason.of(Integer.parseInt(m.group(5), 16)),
                        m.group(2) == null
                                ? OptionalInt.empty()
                                : OptionalInt.of(Integer.parseInt(m.group(2), 16))));
    }
}
