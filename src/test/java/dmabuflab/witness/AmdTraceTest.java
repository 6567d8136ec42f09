// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.witness.IommuFault.Access;
import dmabuflab.witness.TraceEvent.Fault;
import dmabuflab.witness.TraceEvent.IotlbInvalidation;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The log is recorded: edu reads a mapped buffer, which is unmapped, and then writes 64 bytes. */
class AmdTraceTest {
    private static final SourceId EDU = SourceId.parse("02:00.0");
    private static final int DOMAIN = 0xd;

    private final AmdTrace trace = new AmdTrace();

    @Test
    void aRequestThatReachesNothingIsAFault() throws IOException {
        List<TraceEvent> events = recorded();
        List<IommuFault> faults =
                events.stream()
                        .filter(Fault.class::isInstance)
                        .map(event -> ((Fault) event).fault())
                        .toList();

        assertThat(faults).hasSize(16);
        assertThat(faults.get(1))
                .isEqualTo(
                        new IommuFault(
                                EDU,
                                0x4000_3004L,
                                Access.UNKNOWN,
                                "no mapping",
                                OptionalInt.empty()));
        assertThat(faults.get(1).couldBe(Access.WRITE)).isTrue();
    }

    @Test
    void invalidationsAreOfWholeDomains() throws IOException {
        assertThat(recorded())
                .filteredOn(IotlbInvalidation.class::isInstance)
                .filteredOn(event -> ((IotlbInvalidation) event).covers(DOMAIN, 0x4000_0000L))
                .hasSizeGreaterThan(1);
        assertThat(parse("amdvi_pages_inval AMD-Vi pages for domain 0xd invalidated"))
                .map(event -> ((IotlbInvalidation) event).covers(DOMAIN + 1, 0))
                .contains(false);
    }

    @Test
    void theFirstPageCanBeReached() {
        assertThat(parse("amdvi_iotlb_hit hit iotlb devid 02:00.0 gpa 0x5000 hpa 0x0")).isEmpty();
        assertThat(parse("amdvi_translation_result devid: 02:00.0 gpa 0x5000 hpa 0x0")).isEmpty();
        assertThat(parse("amdvi_translation_result devid: 02:00.0 gpa 0x5000 hpa 0x0"))
                .as("a mapping found for the request before")
                .isPresent();
    }

    @Test
    void anotherDevicesMappingDoesNotCount() {
        parse("amdvi_cache_update  update iotlb domid 0xb devid: 01:00.0 gpa 0x5000 hpa 0x0");
        assertThat(parse("amdvi_translation_result devid: 02:00.0 gpa 0x5000 hpa 0x0")).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "amdvi_translation_result devid: 02:00.0 gpa 0x5000",
                "amdvi_translation_result devid: 02:20.0 gpa 0x5000 hpa 0x0",
                "amdvi_cache_update",
                "amdvi_pages_inval AMD-Vi pages invalidated",
                "amdvi_devtab_inval device table entry for devid: 2 invalidated"
            })
    void refusesAKnownEventItDoesNotUnderstand(String line) {
        assertThatThrownBy(() -> parse(line)).isInstanceOf(MalformedTraceException.class);
    }

    @Test
    void skipsOtherLines() {
        assertThat(parse("amdvi_mmio_read AMDVI_MMIO_COMMAND_TAIL read addr 0x2008")).isEmpty();
        assertThat(parse("garbage \u0000\uffff")).isEmpty();
    }

    private Optional<TraceEvent> parse(String line) {
        return TraceLine.of(line).flatMap(trace::parse);
    }

    private List<TraceEvent> recorded() throws IOException {
        try (InputStream in = getClass().getResourceAsStream("amd-iommu-trace.log")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .flatMap(line -> parse(line).stream())
                    .toList();
        }
    }
}
