// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.witness.IommuFault.Access;
import dmabuflab.witness.TraceEvent.ContextInvalidation;
import dmabuflab.witness.TraceEvent.Fault;
import dmabuflab.witness.TraceEvent.FaultRecorded;
import dmabuflab.witness.TraceEvent.Granularity;
import dmabuflab.witness.TraceEvent.IotlbInvalidation;
import dmabuflab.witness.TraceEvent.RootTable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The log is recorded: an edu device copies into a BAR, is revoked, and tries twice more. */
class QemuTraceTest {
    private static final SourceId EDU = SourceId.parse("00:01.0");

    @TempDir Path directory;

    @Test
    void readsARecordedLog() throws IOException {
        List<TraceEvent> events = new QemuTrace(recorded(), new VtdTrace()).poll();

        assertThat(events).hasSize(44).allMatch(event -> event.at().isPresent());
        assertThat(events.get(0))
                .isEqualTo(
                        new RootTable(
                                Optional.of(Instant.parse("2026-11-22T06:50:59.336279Z")),
                                0x2a7c000,
                                false));
        assertThat(of(Fault.class, events)).hasSize(32);
        assertThat(of(Fault.class, events).get(1).fault())
                .isEqualTo(
                        new IommuFault(
                                EDU,
                                0x1003004,
                                Access.WRITE,
                                VtdFaultReason.of(5),
                                OptionalInt.empty()));
        assertThat(of(FaultRecorded.class, events))
                .extracting(recorded -> recorded.fault().page())
                .containsExactly(0x1003000L, 0x1004000L);
        assertThat(of(IotlbInvalidation.class, events))
                .extracting(IotlbInvalidation::granularity)
                .startsWith(
                        Granularity.GLOBAL,
                        Granularity.DOMAIN,
                        Granularity.DOMAIN,
                        Granularity.SELECTIVE);
        assertThat(of(ContextInvalidation.class, events).get(1).source()).contains(EDU);
    }

    @Test
    void readsWhenABarIsNoLongerDecoded() {
        assertThat(
                        TraceLine.of("pci_update_mappings_del edu 02:00.0 0,0xfe600000+0x100000")
                                .flatMap(BarTrace::parse))
                .contains(
                        new TraceEvent.BarUnmapped(
                                Optional.empty(), SourceId.parse("02:00.0"), 0, 0xfe600000L));
        assertThat(TraceLine.of("vtd_inv_desc_cc_global x").flatMap(BarTrace::parse)).isEmpty();
        assertThatThrownBy(
                        () ->
                                TraceLine.of("pci_update_mappings_del edu 02:00.0 0")
                                        .flatMap(BarTrace::parse))
                .isInstanceOf(MalformedTraceException.class);
    }

    @Test
    void theInvalidationComesBeforeTheFault() throws IOException {
        List<TraceEvent> events = new QemuTrace(recorded(), new VtdTrace()).poll();
        int invalidated =
                events.indexOf(
                        of(IotlbInvalidation.class, events).stream()
                                .filter(i -> i.granularity() == Granularity.SELECTIVE)
                                .findFirst()
                                .orElseThrow());
        IotlbInvalidation pages = (IotlbInvalidation) events.get(invalidated);
        assertThat(pages.address()).isEqualTo(0x1000000);
        assertThat(pages.length()).isEqualTo(0x10000);
        assertThat(pages.covers(3, 0x1003000)).isTrue();
        assertThat(pages.covers(3, 0x1010000)).isFalse();
        assertThat(pages.covers(4, 0x1003000)).isFalse();
        assertThat(events.indexOf(of(Fault.class, events).get(0))).isGreaterThan(invalidated);
    }

    @Test
    void followsTheFile() throws IOException {
        Path log = directory.resolve("trace.log");
        QemuTrace trace = new QemuTrace(log, new VtdTrace());
        assertThat(trace.poll()).as("not there yet").isEmpty();

        Files.writeString(log, "vtd_dmar_fault sid 0x8 fault 6 addr 0x10");
        assertThat(trace.poll()).as("half a line").isEmpty();
        append(log, "00 write 0\nvtd_context_cache_reset \n");
        assertThat(trace.poll())
                .containsExactly(
                        new Fault(
                                Optional.empty(),
                                new IommuFault(
                                        EDU,
                                        0x1000,
                                        Access.READ,
                                        VtdFaultReason.of(6),
                                        OptionalInt.empty())));
        assertThat(trace.poll()).isEmpty();
        append(log, "vtd_inv_desc_iotlb_global iotlb invalidate global\n");
        assertThat(trace.poll())
                .containsExactly(
                        new IotlbInvalidation(
                                Optional.empty(), Granularity.GLOBAL, OptionalInt.empty(), 0, 0));
    }

    @Test
    void skipsOtherLines() {
        assertThat(parse("")).isEmpty();
        assertThat(parse("qemu-system-x86_64: warning: something")).isEmpty();
        assertThat(parse("vtd_inv_desc_iec granularity 0x0 index 0x0 mask 0x0")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "vtd_dmar_fault in another format",
                "vtd_dmar_fault",
                "vtd_dmar_fault sid 0x12345 fault 5 addr 0x0 write 1",
                "vtd_dmar_fault sid 0x100 fault 99999999999 addr 0x0 write 1",
                "vtd_inv_desc_iotlb_pages iotlb invalidate domain 0x9 addr 0x0 mask 0x34",
                "vtd_inv_desc_iotlb_domain iotlb invalidate whole domain",
                "vtd_inv_desc_cc_device context invalidate device 1:2"
            })
    void refusesAKnownEventItDoesNotUnderstand(String line) {
        assertThatThrownBy(() -> parse(line)).isInstanceOf(MalformedTraceException.class);
    }

    @Test
    void readsInvalidationsByPasid() {
        assertThat(parse("vtd_inv_desc_iotlb_pasid iotlb invalidate domain 0x9 pasid 0x0"))
                .contains(
                        new IotlbInvalidation(
                                Optional.empty(), Granularity.DOMAIN, OptionalInt.of(9), 0, 0));
        assertThat(
                        parse(
                                "vtd_inv_desc_iotlb_pasid_pages iotlb invalidate domain 0x9"
                                        + " addr 0x40000000 mask 0x6 pasid 0x0"))
                .contains(
                        new IotlbInvalidation(
                                Optional.empty(),
                                Granularity.SELECTIVE,
                                OptionalInt.of(9),
                                0x4000_0000,
                                0x4_0000));
        assertThat(parse("vtd_inv_desc_iotlb_pasid iotlb invalidate domain 0x9 pasid 0x7"))
                .as("of no concern to requests without a PASID")
                .isEmpty();
    }

    @Test
    void readsContextInvalidations() {
        assertThat(parse("vtd_inv_desc_cc_device context invalidate device 01:00.00"))
                .contains(
                        new ContextInvalidation(
                                Optional.empty(),
                                Granularity.SELECTIVE,
                                OptionalInt.empty(),
                                Optional.of(SourceId.parse("01:00.0"))));
        assertThat(parse("vtd_inv_desc_cc_domain context invalidate domain 0x3"))
                .contains(
                        new ContextInvalidation(
                                Optional.empty(),
                                Granularity.DOMAIN,
                                OptionalInt.of(3),
                                Optional.empty()));
    }

    private Path recorded() throws IOException {
        Path log = directory.resolve("recorded.log");
        try (InputStream in = QemuTraceTest.class.getResourceAsStream("qemu-trace.log")) {
            Files.copy(in, log);
        }
        return log;
    }

    private static void append(Path file, String text) throws IOException {
        Files.writeString(file, text, StandardOpenOption.APPEND);
    }

    private static <T extends TraceEvent> List<T> of(Class<T> type, List<TraceEvent> events) {
        List<T> some = new ArrayList<>();
        for (TraceEvent event : events) {
            if (type.isInstance(event)) {
                some.add(type.cast(event));
            }
        }
        return some;
    }

    private static Optional<TraceEvent> parse(String line) {
        return TraceLine.of(line).flatMap(new VtdTrace()::parse);
    }
}
