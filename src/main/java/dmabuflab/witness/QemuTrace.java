// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Follows the file that QEMU's "log" trace backend writes ({@code -D file}) and turns what the VT-d
 * model did into events. Lines of other events are skipped. For one thread.
 */
public final class QemuTrace {
    /** What to give to {@code -trace}, one option each, so that the events below appear. */
    public static final List<String> EVENTS =
            List.of(
                    "vtd_dmar_fault",
                    "vtd_frr_new",
                    "vtd_inv_desc_iotlb_*",
                    "vtd_inv_desc_cc_*",
                    "vtd_reg_dmar_root");

    private static final Pattern LINE =
            Pattern.compile("(?:\\d+@(\\d+)\\.(\\d{6}):)?(vtd_\\w+) ?(.*)");
    private static final Pattern FAULT =
            Pattern.compile("sid 0x(\\p{XDigit}+) fault (\\d+) addr 0x(\\p{XDigit}+) write ([01])");
    private static final Pattern RECORD =
            Pattern.compile("index (\\d+) high 0x(\\p{XDigit}+) low 0x(\\p{XDigit}+)");
    private static final Pattern PAGES =
            Pattern.compile(
                    ".* domain 0x(\\p{XDigit}+) addr 0x(\\p{XDigit}+) mask 0x(\\p{XDigit}+)");
    private static final Pattern DOMAIN = Pattern.compile(".* domain 0x(\\p{XDigit}+)");
    private static final Pattern DEVICE = Pattern.compile("context invalidate device (\\S+)");
    private static final Pattern ROOT = Pattern.compile("addr 0x(\\p{XDigit}+) scalable ([01])");

    private final Path file;
    private final LineBuffer lines = new LineBuffer();
    private long position;

    /** Follows a file from its start; it need not exist yet. */
    public QemuTrace(Path file) {
        this.file = file;
    }

    /**
     * The events that came since the last call, in order. Part of a line waits for its rest.
     *
     * @throws UncheckedIOException when the file cannot be read
     */
    public List<TraceEvent> poll() {
        List<TraceEvent> events = new ArrayList<>();
        if (!Files.exists(file)) {
            return events;
        }
        try (SeekableByteChannel channel = Files.newByteChannel(file)) {
            channel.position(position);
            ByteBuffer chunk = ByteBuffer.allocate(64 * 1024);
            while (channel.read(chunk) > 0) {
                position += chunk.position();
                lines.accept(
                        chunk.array(),
                        0,
                        chunk.position(),
                        line -> parse(line).ifPresent(events::add));
                chunk.clear();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read QEMU's trace " + file, e);
        }
        return events;
    }

    /** Reads one line; empty when it is none of the known events. */
    public static Optional<TraceEvent> parse(String line) {
        Matcher m = LINE.matcher(line.strip());
        if (!m.matches()) {
            return Optional.empty();
        }
        Optional<Instant> at = Optional.empty();
        if (m.group(1) != null) {
            at =
                    Optional.of(
                            Instant.ofEpochSecond(
                                    Long.parseLong(m.group(1)), Long.parseLong(m.group(2)) * 1000));
        }
        return event(at, m.group(3), m.group(4));
    }

    private static Optional<TraceEvent> event(Optional<Instant> at, String name, String text) {
        switch (name) {
            case "vtd_dmar_fault":
                return match(FAULT, text).map(m -> new TraceEvent.Fault(at, fault(m)));
            case "vtd_frr_new":
                return match(RECORD, text)
                        .map(
                                m ->
                                        new TraceEvent.FaultRecorded(
                                                at,
                                                Integer.parseInt(m.group(1)),
                                                FaultRecord.decode(hex(m, 3), hex(m, 2))));
            case "vtd_inv_desc_iotlb_global":
                return Optional.of(
                        new TraceEvent.IotlbInvalidation(
                                at, TraceEvent.Granularity.GLOBAL, OptionalInt.empty(), 0, 0));
            case "vtd_inv_desc_iotlb_domain":
                return match(DOMAIN, text)
                        .map(
                                m ->
                                        new TraceEvent.IotlbInvalidation(
                                                at,
                                                TraceEvent.Granularity.DOMAIN,
                                                OptionalInt.of((int) hex(m, 1)),
                                                0,
                                                0));
            case "vtd_inv_desc_iotlb_pages":
                return match(PAGES, text).map(m -> pages(at, m));
            case "vtd_inv_desc_cc_global":
                return Optional.of(
                        new TraceEvent.ContextInvalidation(
                                at,
                                TraceEvent.Granularity.GLOBAL,
                                OptionalInt.empty(),
                                Optional.empty()));
            case "vtd_inv_desc_cc_domain":
                return match(DOMAIN, text)
                        .map(
                                m ->
                                        new TraceEvent.ContextInvalidation(
                                                at,
                                                TraceEvent.Granularity.DOMAIN,
                                                OptionalInt.of((int) hex(m, 1)),
                                                Optional.empty()));
            case "vtd_inv_desc_cc_device":
                return match(DEVICE, text)
                        .map(
                                m ->
                                        new TraceEvent.ContextInvalidation(
                                                at,
                                                TraceEvent.Granularity.SELECTIVE,
                                                OptionalInt.empty(),
                                                Optional.of(SourceId.parse(m.group(1)))));
            case "vtd_reg_dmar_root":
                return match(ROOT, text)
                        .map(m -> new TraceEvent.RootTable(at, hex(m, 1), m.group(2).equals("1")));
            default:
                return Optional.empty();
        }
    }

    private static Optional<Matcher> match(Pattern pattern, String text) {
        Matcher m = pattern.matcher(text);
        return m.matches() ? Optional.of(m) : Optional.empty();
    }

    private static IommuFault fault(Matcher m) {
        return new IommuFault(
                new SourceId((int) hex(m, 1)),
                hex(m, 3),
                m.group(4).equals("1") ? IommuFault.Access.WRITE : IommuFault.Access.READ,
                Integer.parseInt(m.group(2)),
                OptionalInt.empty());
    }

    private static TraceEvent pages(Optional<Instant> at, Matcher m) {
        return new TraceEvent.IotlbInvalidation(
                at,
                TraceEvent.Granularity.SELECTIVE,
                OptionalInt.of((int) hex(m, 1)),
                hex(m, 2),
                4096L << hex(m, 3)); // the mask counts address bits above the page to ignore
    }

    private static long hex(Matcher m, int group) {
        return Long.parseUnsignedLong(m.group(group), 16);
    }
}
