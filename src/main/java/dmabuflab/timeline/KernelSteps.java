// SPDX-License-Identifier: Apache-2.0
package dmabuflab.timeline;

import dmabuflab.report.SequenceDiagram.Lane;
import dmabuflab.report.SequenceDiagram.Source;
import dmabuflab.report.SequenceDiagram.Tone;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the guest's kernel has traced of memory that is shared, on its monotonic clock. */
final class KernelSteps {
    private static final Pattern LINE = Pattern.compile("[^:]* (\\d+\\.\\d+): (\\w+): (.*)");
    private static final Pattern FIELD = Pattern.compile("(\\w+)=(\\S+)");

    private static final Pattern SPTE =
            Pattern.compile(
                    ".*gfn (\\p{XDigit}+) level (\\d) old_spte \\p{XDigit}+ new_spte (\\p{XDigit}+)");

    /** What KVM writes for nothing where it can have the CPU report a fault at once. */
    private static final String NOT_PRESENT = "8000000000000000";

    /** Bits of a request to vCPUs that say what it is; none is a flush. */
    private static final long REQUEST = 0xff | (1 << 10);

    private String moving = "that";

    private KernelSteps() {}

    static List<Step> parse(String trace) {
        KernelSteps these = new KernelSteps();
        List<Step> steps = new ArrayList<>();
        trace.lines()
                .forEach(
                        line -> {
                            Matcher m = LINE.matcher(line);
                            if (m.matches()) {
                                double at = Double.parseDouble(m.group(1));
                                these.step(at, m.group(2), m.group(3)).ifPresent(steps::add);
                            }
                        });
        return steps;
    }

    private Optional<Step> step(double at, String event, String text) {
        Lane exporter = Lane.EXPORTER;
        Lane importer = Lane.IMPORTER;
        return switch (event) {
            case "dma_buf_export" ->
                    change(at, exporter, exporter, "export", "export of " + size(text, "size"));
            case "dma_buf_dynamic_attach" -> plain(at, importer, exporter, "attach", "attach");
            case "dma_buf_detach" -> plain(at, importer, exporter, "detach", "detach");
            case "dma_buf_mmap_internal" -> plain(at, Lane.CPU, exporter, "mmap", "mmap");
            case "dma_buf_get_pfn" -> query(at, text);
            case "dma_buf_invalidate_mappings" ->
                    change(at, exporter, importer, "notify", "notify: mappings are invalid");
            case "vfio_move" -> {
                moving = field(text, "revoked").equals("0") ? "giving back" : "revoking";
                yield change(at, exporter, exporter, "move", moving + " begins");
            }
            case "vfio_moved" -> change(at, exporter, exporter, "moved", moving + " is done");
            case "map" ->
                    plain(
                            at,
                            importer,
                            Lane.IOMMU,
                            "map",
                            "map %s to %s"
                                    .formatted(
                                            Step.range(hex(text, "iova"), number(text, "size")),
                                            "0x%x".formatted(hex(text, "paddr"))));
            case "unmap" ->
                    change(
                            at,
                            importer,
                            Lane.IOMMU,
                            "unmap",
                            "unmap " + Step.range(hex(text, "iova"), number(text, "size")));
            case "iotlb_synced" ->
                    change(at, Lane.IOMMU, importer, "synced", "IOTLB flush has returned");
            case "io_page_fault" ->
                    Optional.of(
                            step(
                                    at,
                                    Lane.IOMMU,
                                    Lane.CPU,
                                    Tone.REFUSED,
                                    "fault",
                                    "fault: " + text));
            case "kvm_unmap" ->
                    change(
                            at,
                            importer,
                            Lane.CPU,
                            "kvm unmap",
                            "KVM unmaps GPA "
                                    + Step.range(
                                            hex(text, "start") << 12,
                                            (hex(text, "end") - hex(text, "start")) << 12));
            case "kvm_tdp_mmu_spte_changed" -> spte(at, text);
            case "kvm_request" ->
                    (hex(text, "request") & REQUEST) == 0
                            ? change(at, importer, Lane.CPU, "flush", "KVM asks vCPUs to flush")
                            : Optional.empty();
            case "copied" ->
                    plain(
                            at,
                            importer,
                            exporter,
                            "copy",
                            "rxe copies %s, direction %s"
                                    .formatted(size(text, "length"), field(text, "direction")));
            case "atomic" -> plain(at, importer, exporter, "atomic", "rxe does an atomic");
            default -> Optional.empty();
        };
    }

    private static Optional<Step> spte(double at, String text) {
        Matcher m = SPTE.matcher(text);
        if (!m.matches()) {
            return Optional.empty();
        }
        boolean gone = m.group(3).equals("0") || m.group(3).equals(NOT_PRESENT);
        long address = Long.parseUnsignedLong(m.group(1), 16) << 12;
        String words = "SPTE of GPA 0x%x, level %s: ".formatted(address, m.group(2));
        return gone
                ? change(at, Lane.IMPORTER, Lane.CPU, "SPTE cleared", words + "cleared")
                : plain(at, Lane.IMPORTER, Lane.CPU, "SPTE set", words + "0x" + m.group(3));
    }

    private static Optional<Step> query(double at, String text) {
        String page = "query of page " + field(text, "pgoff") + ": ";
        long error = -number(text, "ret");
        if (error != 0) {
            return Optional.of(
                    step(
                            at,
                            Lane.IMPORTER,
                            Lane.EXPORTER,
                            Tone.REFUSED,
                            "refused query",
                            page + errno(error)));
        }
        return plain(
                at,
                Lane.IMPORTER,
                Lane.EXPORTER,
                "query",
                page + "PFN " + field(text, "pfn") + ", order " + field(text, "order"));
    }

    /** By the names of those an exporter has. */
    private static String errno(long number) {
        return switch ((int) number) {
            case 4, 512 -> "interrupted";
            case 6 -> "ENXIO";
            case 11 -> "EAGAIN";
            case 12 -> "ENOMEM";
            case 14 -> "EFAULT";
            case 19 -> "ENODEV";
            case 22 -> "EINVAL";
            case 95 -> "EOPNOTSUPP";
            default -> "error " + number;
        };
    }

    private static Optional<Step> plain(double at, Lane from, Lane to, String kind, String words) {
        return Optional.of(step(at, from, to, Tone.PLAIN, kind, words));
    }

    private static Optional<Step> change(double at, Lane from, Lane to, String kind, String words) {
        return Optional.of(step(at, from, to, Tone.CHANGE, kind, words));
    }

    private static Step step(double at, Lane from, Lane to, Tone tone, String kind, String words) {
        return new Step(at, Source.KERNEL, from, to, tone, kind, words);
    }

    private static String size(String text, String name) {
        return Step.size(number(text, name));
    }

    /** "" if it is not there: a picture is no place to complain of a new kernel's trace. */
    private static String field(String text, String name) {
        return FIELD.matcher(text)
                .results()
                .filter(each -> each.group(1).equals(name))
                .map(each -> each.group(2))
                .findFirst()
                .orElse("");
    }

    private static long number(String text, String name) {
        String value = field(text, name);
        return value.matches("-?\\d{1,18}") ? Long.parseLong(value) : 0;
    }

    private static long hex(String text, String name) {
        String value = field(text, name);
        return value.matches("0x\\p{XDigit}{1,16}")
                ? Long.parseUnsignedLong(value.substring(2), 16)
                : 0;
    }
}
