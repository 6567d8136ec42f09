// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What QEMU's VT-d model did, from its trace. */
public final class VtdTrace implements TraceParser {
    private static final List<String> EVENTS =
            List.of(
                    "vtd_dmar_fault",
                    "vtd_frr_new",
                    "vtd_inv_desc_iotlb_*",
                    "vtd_inv_desc_cc_*",
                    "vtd_reg_dmar_root");

    /** Linux has IOTLB entries of requests without a PASID tagged with this one. */
    private static final int RID_PASID = 0;

    /** Beyond, the pages would be more than there are addresses. */
    private static final int MAX_MASK = 51;

    private static final Pattern FAULT =
            Pattern.compile("sid 0x(\\p{XDigit}+) fault (\\d+) addr 0x(\\p{XDigit}+) write ([01])");
    private static final Pattern RECORD =
            Pattern.compile("index (\\d+) high 0x(\\p{XDigit}+) low 0x(\\p{XDigit}+)");
    private static final Pattern PAGES =
            Pattern.compile(
                    ".* domain 0x(\\p{XDigit}+) addr 0x(\\p{XDigit}+) mask 0x(\\p{XDigit}+)");
    private static final Pattern DOMAIN = Pattern.compile(".* domain 0x(\\p{XDigit}+)");
    private static final Pattern PASID =
            Pattern.compile(".* domain 0x(\\p{XDigit}+) pasid 0x(\\p{XDigit}+)");
    private static final Pattern PASID_PAGES = Pattern.compile(PAGES + " pasid 0x(\\p{XDigit}+)");
    private static final Pattern DEVICE = Pattern.compile("context invalidate device (\\S+)");
    private static final Pattern ROOT = Pattern.compile("addr 0x(\\p{XDigit}+) scalable ([01])");

    @Override
    public List<String> events() {
        return EVENTS;
    }

    @Override
    public Optional<TraceEvent> parse(TraceLine line) {
        return event(line, line.at(), line.event());
    }

    private static Optional<TraceEvent> event(TraceLine line, Optional<Instant> at, String name) {
        switch (name) {
            case "vtd_dmar_fault":
                return line.map(FAULT, m -> new TraceEvent.Fault(at, fault(m)));
            case "vtd_frr_new":
                return line.map(
                        RECORD,
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
                return line.map(DOMAIN, m -> domain(at, m));
            case "vtd_inv_desc_iotlb_pages":
                return line.map(PAGES, m -> pages(at, m));
            case "vtd_inv_desc_iotlb_pasid":
                return line.map(PASID, m -> m)
                        .filter(m -> hex(m, 2) == RID_PASID)
                        .map(m -> domain(at, m));
            case "vtd_inv_desc_iotlb_pasid_pages":
                return line.map(PASID_PAGES, m -> m)
                        .filter(m -> hex(m, 4) == RID_PASID)
                        .map(m -> pages(at, m));
            case "vtd_inv_desc_cc_global":
                return Optional.of(
                        new TraceEvent.ContextInvalidation(
                                at,
                                TraceEvent.Granularity.GLOBAL,
                                OptionalInt.empty(),
                                Optional.empty()));
            case "vtd_inv_desc_cc_domain":
                return line.map(
                        DOMAIN,
                        m ->
                                new TraceEvent.ContextInvalidation(
                                        at,
                                        TraceEvent.Granularity.DOMAIN,
                                        OptionalInt.of((int) hex(m, 1)),
                                        Optional.empty()));
            case "vtd_inv_desc_cc_device":
                return line.map(
                        DEVICE,
                        m ->
                                new TraceEvent.ContextInvalidation(
                                        at,
                                        TraceEvent.Granularity.SELECTIVE,
                                        OptionalInt.empty(),
                                        Optional.of(SourceId.parse(m.group(1)))));
            case "vtd_reg_dmar_root":
                return line.map(
                        ROOT, m -> new TraceEvent.RootTable(at, hex(m, 1), m.group(2).equals("1")));
            default:
                return Optional.empty();
        }
    }

    private static IommuFault fault(Matcher m) {
        return new IommuFault(
                new SourceId((int) hex(m, 1)),
                hex(m, 3),
                m.group(4).equals("1") ? IommuFault.Access.WRITE : IommuFault.Access.READ,
                VtdFaultReason.of(Integer.parseInt(m.group(2))),
                OptionalInt.empty());
    }

    private static TraceEvent domain(Optional<Instant> at, Matcher m) {
        return new TraceEvent.IotlbInvalidation(
                at, TraceEvent.Granularity.DOMAIN, OptionalInt.of((int) hex(m, 1)), 0, 0);
    }

    private static TraceEvent pages(Optional<Instant> at, Matcher m) {
        if (hex(m, 3) > MAX_MASK) {
            throw new IllegalArgumentException("mask 0x" + m.group(3));
        }
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
