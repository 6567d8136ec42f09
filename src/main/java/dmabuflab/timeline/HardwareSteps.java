// SPDX-License-Identifier: Apache-2.0
package dmabuflab.timeline;

import dmabuflab.report.SequenceDiagram.Lane;
import dmabuflab.report.SequenceDiagram.Source;
import dmabuflab.report.SequenceDiagram.Tone;
import dmabuflab.witness.IommuFault;
import dmabuflab.witness.TraceEvent;
import dmabuflab.witness.VirtioIommuEvent;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What QEMU's devices and IOMMU did, on the host's clock. */
final class HardwareSteps {
    private HardwareSteps() {}

    static List<Step> of(List<TraceEvent> events) {
        return events.stream().flatMap(event -> step(event).stream()).toList();
    }

    private static Optional<Step> step(TraceEvent event) {
        Optional<Double> at = event.at().map(AgentLog::seconds);
        if (at.isEmpty()) {
            return Optional.empty(); // a QEMU that was told not to stamp its trace
        } else if (event instanceof TraceEvent.Fault fault) {
            return Optional.of(
                    step(
                            at.get(),
                            Lane.DEVICE,
                            Lane.IOMMU,
                            Tone.REFUSED,
                            "DMA refused",
                            words(fault.fault())));
        } else if (event instanceof TraceEvent.IotlbInvalidation flush) {
            String what =
                    flush.granularity() == TraceEvent.Granularity.SELECTIVE
                            ? Step.range(flush.address(), flush.length())
                            : flush.domain().isPresent()
                                    ? "all of domain 0x%x".formatted(flush.domain().getAsInt())
                                    : "everything";
            return change(at, "invalidation", "IOTLB invalidation, " + what);
        } else if (event instanceof TraceEvent.ContextInvalidation) {
            return change(at, "context", "context invalidation");
        } else if (event instanceof TraceEvent.BarUnmapped bar) {
            String what = "%s BAR %d".formatted(bar.device(), bar.bar());
            return Optional.of(
                    step(
                            at.get(),
                            Lane.DEVICE,
                            Lane.DEVICE,
                            Tone.CHANGE,
                            "end of decoding " + what,
                            what + " at 0x%x is no longer decoded".formatted(bar.address())));
        } else if (event instanceof VirtioIommuEvent.Mapped mapped) {
            long length = mapped.end() - mapped.start() + 1;
            return change(
                    at,
                    "mapped",
                    "mapped %s to 0x%x"
                            .formatted(Step.range(mapped.start(), length), mapped.physical()));
        } else if (event instanceof VirtioIommuEvent.Unmapped gone) {
            long length = gone.end() - gone.start() + 1;
            return change(at, "unmapped", "unmapped " + Step.range(gone.start(), length));
        }
        return Optional.empty();
    }

    private static String words(IommuFault fault) {
        return "DMA %s of 0x%x refused: %s"
                .formatted(
                        fault.access().name().toLowerCase(Locale.ROOT),
                        fault.address(),
                        fault.reason());
    }

    private static Optional<Step> change(Optional<Double> at, String kind, String words) {
        return Optional.of(step(at.get(), Lane.CPU, Lane.IOMMU, Tone.CHANGE, kind, words));
    }

    private static Step step(double at, Lane from, Lane to, Tone tone, String kind, String words) {
        return new Step(at, Source.QEMU, from, to, tone, kind, words);
    }
}
