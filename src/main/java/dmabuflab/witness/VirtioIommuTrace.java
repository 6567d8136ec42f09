// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import dmabuflab.witness.IommuFault.Access;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What QEMU's virtio-iommu did, from its trace. */
public final class VirtioIommuTrace implements TraceParser {
    private static final List<String> EVENTS =
            List.of(
                    "virtio_iommu_device_reset",
                    "virtio_iommu_attach",
                    "virtio_iommu_detach",
                    "virtio_iommu_switch_address_space",
                    "virtio_iommu_get_domain",
                    "virtio_iommu_put_domain",
                    "virtio_iommu_put_endpoint",
                    "virtio_iommu_map",
                    "virtio_iommu_unmap",
                    "virtio_iommu_unmap_done",
                    "virtio_iommu_translate",
                    "virtio_iommu_report_fault");

    /** Numbers of 32 bits, which QEMU prints as if they had a sign. */
    private static final String NUMBER = "(-?\\d+)";

    private static final String ADDRESS = "0x(\\p{XDigit}{1,16})";

    private static final Pattern ATTACH = Pattern.compile("domain=" + NUMBER + " endpoint=(\\d+)");
    private static final Pattern SWITCH =
            Pattern.compile("Device (\\S+) switching address space \\(iommu enabled=([01])\\)");
    private static final Pattern DOMAIN = Pattern.compile("(?:Alloc|Free) domain=" + NUMBER);
    private static final Pattern ENDPOINT = Pattern.compile("Free endpoint=(\\d+)");
    private static final String RANGE =
            "domain=" + NUMBER + " virt_start=" + ADDRESS + " virt_end=" + ADDRESS;
    private static final Pattern MAP =
            Pattern.compile(RANGE + " phys_start=" + ADDRESS + " flags=(\\d+)");
    private static final Pattern UNMAP = Pattern.compile(RANGE);
    private static final Pattern TRANSLATE =
            Pattern.compile("mr=\\S+ rid=(\\d+) addr=" + ADDRESS + " flag=(\\d+)");
    private static final Pattern FAULT =
            Pattern.compile("FAULT reason=(\\d+) flags=(\\d+) endpoint=(\\d+) address =" + ADDRESS);

    private static final int READ = 1;
    private static final int WRITE = 2;

    /** The latest request of each device: a fault does not say what kind of request it was. */
    private final Map<SourceId, Request> latest = new HashMap<>();

    private record Request(SourceId source, long address, Access access) {}

    @Override
    public List<String> events() {
        return EVENTS;
    }

    @Override
    public Optional<TraceEvent> parse(TraceLine line) {
        Optional<Instant> at = line.at();
        switch (line.event()) {
            case "virtio_iommu_device_reset":
                return Optional.of(new VirtioIommuEvent.Reset(at));
            case "virtio_iommu_attach":
                return line.map(
                        ATTACH,
                        m -> new VirtioIommuEvent.AttachAsked(at, number(m, 1), source(m, 2)));
            case "virtio_iommu_detach":
                return line.map(
                        ATTACH,
                        m -> new VirtioIommuEvent.DetachAsked(at, number(m, 1), source(m, 2)));
            case "virtio_iommu_switch_address_space":
                return line.map(
                        SWITCH,
                        m ->
                                new VirtioIommuEvent.Switched(
                                        at, SourceId.parse(m.group(1)), m.group(2).equals("1")));
            case "virtio_iommu_get_domain":
                return line.map(DOMAIN, m -> new VirtioIommuEvent.DomainMade(at, number(m, 1)));
            case "virtio_iommu_put_domain":
                return line.map(DOMAIN, m -> new VirtioIommuEvent.DomainGone(at, number(m, 1)));
            case "virtio_iommu_put_endpoint":
                return line.map(ENDPOINT, m -> new VirtioIommuEvent.EndpointGone(at, source(m, 1)));
            case "virtio_iommu_map":
                return line.map(MAP, m -> mapped(at, m));
            case "virtio_iommu_unmap":
                return line.map(
                        UNMAP,
                        m ->
                                new VirtioIommuEvent.UnmapAsked(
                                        at, number(m, 1), address(m, 2), address(m, 3)));
            case "virtio_iommu_unmap_done":
                return line.map(
                        UNMAP,
                        m ->
                                new VirtioIommuEvent.Unmapped(
                                        at, number(m, 1), address(m, 2), address(m, 3)));
            case "virtio_iommu_translate":
                line.map(TRANSLATE, VirtioIommuTrace::request)
                        .ifPresent(request -> latest.put(request.source(), request));
                return Optional.empty();
            case "virtio_iommu_report_fault":
                return line.map(FAULT, m -> new TraceEvent.Fault(at, fault(m)));
            default:
                return Optional.empty();
        }
    }

    private static VirtioIommuEvent mapped(Optional<Instant> at, Matcher m) {
        long start = address(m, 2);
        long end = address(m, 3);
        if (Long.compareUnsigned(start, end) > 0) {
            throw new IllegalArgumentException("it ends before it starts");
        }
        int flags = number(m, 5);
        return new VirtioIommuEvent.Mapped(
                at,
                number(m, 1),
                start,
                end,
                address(m, 4),
                (flags & READ) != 0,
                (flags & WRITE) != 0);
    }

    private static Request request(Matcher m) {
        return new Request(source(m, 1), address(m, 2), access(number(m, 3)));
    }

    private IommuFault fault(Matcher m) {
        SourceId source = source(m, 3);
        long address = address(m, 4);
        Access access = access(number(m, 2));
        Request request = latest.get(source);
        if (access == Access.UNKNOWN && request != null && request.address() == address) {
            access = request.access();
        }
        return new IommuFault(source, address, access, reason(number(m, 1)), OptionalInt.empty());
    }

    private static Access access(int flags) {
        switch (flags & (READ | WRITE)) {
            case READ:
                return Access.READ;
            case WRITE:
                return Access.WRITE;
            default:
                return Access.UNKNOWN;
        }
    }

    private static String reason(int code) {
        switch (code) {
            case 1:
                return "endpoint without a domain";
            case 2:
                return "no mapping, or none for this access";
            default:
                return "reason " + code;
        }
    }

    private static int number(Matcher m, int group) {
        long value = Long.parseLong(m.group(group));
        if (value < Integer.MIN_VALUE || value > 0xffff_ffffL) {
            throw new IllegalArgumentException(value + " has more than 32 bits");
        }
        return (int) value;
    }

    private static SourceId source(Matcher m, int group) {
        return new SourceId(number(m, group));
    }

    private static long address(Matcher m, int group) {
        return Long.parseUnsignedLong(m.group(group), 16);
    }
}
