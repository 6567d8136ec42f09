// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import dmabuflab.witness.IommuFault.Access;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What QEMU's AMD-Vi model did, from its trace.
 *
 * <p>It has no event for a refused request. It has one for each request's outcome, which is address
 * 0 when there is no mapping, and before that one for each outcome that came from a mapping. A
 * request that a mapping does not permit, a write to a page that may only be read, leaves no trace.
 *
 * <p>Invalidations are traced with their domain but without their range: QEMU drops the whole
 * domain.
 */
public final class AmdTrace implements TraceParser {
    private static final List<String> EVENTS =
            List.of(
                    "amdvi_pages_inval",
                    "amdvi_all_inval",
                    "amdvi_devtab_inval",
                    "amdvi_cache_update",
                    "amdvi_iotlb_hit",
                    "amdvi_translation_result");

    private static final String DEVICE = "devid:? (\\S+)";
    private static final String ADDRESSES = " gpa 0x(\\p{XDigit}{1,16}) hpa 0x(\\p{XDigit}{1,16})";
    private static final Pattern PAGES =
            Pattern.compile("AMD-Vi pages for domain 0x(\\p{XDigit}+) invalidated");
    private static final Pattern DEVICE_ENTRY =
            Pattern.compile("device table entry for " + DEVICE + " invalidated");
    private static final Pattern MAPPED = Pattern.compile(".*\\b" + DEVICE + ADDRESSES);
    private static final Pattern RESULT = Pattern.compile(DEVICE + ADDRESSES);

    /** Where nothing is mapped; also the address of the first page, which a mapping can lead to. */
    private static final long NOWHERE = 0;

    /** The request whose mapping was found last, until its result comes. */
    private Optional<Request> mapped = Optional.empty();

    private record Request(SourceId source, long iova) {}

    private record Result(Request request, long physical) {}

    @Override
    public List<String> events() {
        return EVENTS;
    }

    @Override
    public Optional<TraceEvent> parse(TraceLine line) {
        Optional<Instant> at = line.at();
        switch (line.event()) {
            case "amdvi_all_inval":
                return Optional.of(
                        new TraceEvent.IotlbInvalidation(
                                at, TraceEvent.Granularity.GLOBAL, OptionalInt.empty(), 0, 0));
            case "amdvi_pages_inval":
                return line.map(
                        PAGES,
                        m ->
                                new TraceEvent.IotlbInvalidation(
                                        at,
                                        TraceEvent.Granularity.DOMAIN,
                                        OptionalInt.of((int) hex(m, 1)),
                                        0,
                                        0));
            case "amdvi_devtab_inval":
                return line.map(
                        DEVICE_ENTRY,
                        m ->
                                new TraceEvent.ContextInvalidation(
                                        at,
                                        TraceEvent.Granularity.SELECTIVE,
                                        OptionalInt.empty(),
                                        Optional.of(SourceId.parse(m.group(1)))));
            case "amdvi_cache_update":
            case "amdvi_iotlb_hit":
                mapped = line.map(MAPPED, AmdTrace::request);
                return Optional.empty();
            case "amdvi_translation_result":
                Optional<Request> found = mapped;
                mapped = Optional.empty();
                return line.map(RESULT, m -> new Result(request(m), hex(m, 3)))
                        .filter(result -> result.physical() == NOWHERE)
                        .filter(result -> !found.equals(Optional.of(result.request())))
                        .map(result -> new TraceEvent.Fault(at, fault(result.request())));
            default:
                return Optional.empty();
        }
    }

    private static IommuFault fault(Request request) {
        return new IommuFault(
                request.source(),
                request.iova(),
                Access.UNKNOWN,
                "no mapping",
                OptionalInt.empty());
    }

    private static Request request(Matcher m) {
        return new Request(SourceId.parse(m.group(1)), hex(m, 2));
    }

    private static long hex(Matcher m, int group) {
        return Long.parseUnsignedLong(m.group(group), 16);
    }
}
