// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.witness.IommuFault.Access;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The log is recorded from a guest that was loaded: ivshmem (01:00.0) and edu (02:00.0) are
 * plugged, iommufd maps a buffer for edu, which reads it; it is revoked, and edu's write of 64
 * bytes is refused.
 */
class VirtioIommuTraceTest {
    private static final SourceId EDU = SourceId.parse("02:00.0");
    private static final long IOVA = 0x4000_0000L;
    private static final long BAR = 0x9_1020_0000L;

    private final VirtioIommuTrace trace = new VirtioIommuTrace();
    private final VirtioIommuMappings mappings = new VirtioIommuMappings();

    @Test
    void aMappingLastsFromItsGrantToItsEnd() throws IOException {
        List<TraceEvent> events = recorded();
        int mapped = first(VirtioIommuEvent.Mapped.class, events);
        int unmapped = first(VirtioIommuEvent.Unmapped.class, events);

        events.subList(0, mapped).forEach(mappings::accept);
        assertThat(mappings.mappings(EDU)).isEmpty();
        assertThat(mappings.translate(EDU, IOVA)).isEmpty();

        events.subList(mapped, unmapped).forEach(mappings::accept);
        assertThat(mappings.domain(EDU)).hasValue(14);
        assertThat(mappings.mappings(EDU))
                .containsExactly(new Mapping(IOVA, BAR, 64 * 4096, 4096, true, true));
        assertThat(mappings.translate(EDU, IOVA + 0x3004).map(Translation::physical))
                .contains(BAR + 0x3004);
        assertThat(mappings.translate(EDU, IOVA - 1)).isEmpty();
        assertThat(mappings.translate(EDU, IOVA + 64 * 4096)).isEmpty();

        events.subList(unmapped, events.size()).forEach(mappings::accept);
        assertThat(mappings.mappings(EDU)).isEmpty();
    }

    @Test
    void faultsTellTheAccessThatWasRefused() throws IOException {
        List<IommuFault> faults =
                recorded().stream()
                        .filter(TraceEvent.Fault.class::isInstance)
                        .map(event -> ((TraceEvent.Fault) event).fault())
                        .toList();

        assertThat(faults).hasSize(16);
        assertThat(faults.get(1))
                .isEqualTo(
                        new IommuFault(
                                EDU,
                                IOVA + 0x3004,
                                Access.WRITE,
                                "no mapping, or none for this access",
                                OptionalInt.empty()));
    }

    @Test
    void aFaultWithoutItsRequestDoesNotTellTheAccess() {
        feed("virtio_iommu_translate mr=a-0 rid=512 addr=0x1000 flag=2");
        assertThat(
                        parse(
                                "virtio_iommu_report_fault FAULT reason=2 flags=256 endpoint=512 address =0x2000"))
                .map(event -> ((TraceEvent.Fault) event).fault().access())
                .contains(Access.UNKNOWN);
        assertThat(
                        parse(
                                "virtio_iommu_report_fault FAULT reason=2 flags=257 endpoint=512 address =0x1000"))
                .map(event -> ((TraceEvent.Fault) event).fault().access())
                .contains(Access.READ);
    }

    @Test
    void anUnmapCoversItsDomainAndRangeOnly() {
        VirtioIommuEvent.UnmapAsked unmap =
                (VirtioIommuEvent.UnmapAsked)
                        parse("virtio_iommu_unmap domain=14 virt_start=0x1000 virt_end=0x2fff")
                                .get();

        assertThat(unmap.covers(14, 0x1000)).isTrue();
        assertThat(unmap.covers(14, 0x2fff)).isTrue();
        assertThat(unmap.covers(14, 0x3000)).isFalse();
        assertThat(unmap.covers(15, 0x1000)).isFalse();
    }

    @Test
    void addressesHaveAllTheir64Bits() {
        attach();
        feed(
                "virtio_iommu_map domain=14 virt_start=0xffffffff00000000"
                        + " virt_end=0xffffffffffffffff phys_start=0x1000 flags=1");

        assertThat(mappings.translate(EDU, -1L))
                .contains(new Translation(0x1_0000_0fffL, 4096, true, false, 0));
        assertThat(mappings.translate(EDU, 0)).isEmpty();
    }

    @Test
    void everythingMappedAtOnceReachesEverything() {
        attach();
        feed(
                "virtio_iommu_map domain=14 virt_start=0x0 virt_end=0xffffffffffffffff"
                        + " phys_start=0x0 flags=3");

        assertThat(mappings.mappings(EDU)).allMatch(m -> m.reaches(BAR, 1));
    }

    @Test
    void aDeviceThatBypassesReachesEverything() {
        feed(
                "virtio_iommu_switch_address_space Device 02:00.0 switching address space (iommu enabled=0)");

        assertThat(mappings.translate(EDU, BAR)).contains(new Translation(BAR, 0, true, true, 0));
        assertThat(mappings.mappings(EDU)).allMatch(m -> m.reaches(BAR, 1));
        assertThat(mappings.domain(EDU)).isEmpty();
    }

    @Test
    void aDeviceInABypassDomainReachesEverything() {
        feed(
                "virtio_iommu_attach domain=3 endpoint=512",
                "virtio_iommu_get_domain Alloc domain=3",
                "virtio_iommu_switch_address_space Device 02:00.0 switching address space (iommu enabled=0)");

        assertThat(mappings.translate(EDU, BAR)).isPresent();
    }

    @Test
    void aDeviceThatIsNeitherAttachedNorBypassesReachesNothing() {
        feed(
                "virtio_iommu_switch_address_space Device 02:00.0 switching address space (iommu enabled=1)");

        assertThat(mappings.mappings(EDU)).isEmpty();
        assertThat(mappings.translate(EDU, 0)).isEmpty();
    }

    @Test
    void movingToAnotherDomainChangesWhatIsReached() {
        attach();
        feed(
                "virtio_iommu_map domain=14 virt_start=0x0 virt_end=0xfff phys_start=0x1000 flags=3",
                "virtio_iommu_attach domain=15 endpoint=512",
                "virtio_iommu_switch_address_space Device 02:00.0 switching address space (iommu enabled=0)",
                "virtio_iommu_put_domain Free domain=14",
                "virtio_iommu_get_domain Alloc domain=15");
        assertThatThrownBy(() -> mappings.mappings(EDU))
                .as("in the middle of it")
                .isInstanceOf(MalformedTraceException.class)
                .hasMessageContaining("AttachAsked");
        feed(
                "virtio_iommu_switch_address_space Device 02:00.0 switching address space (iommu enabled=1)");

        assertThat(mappings.domain(EDU)).hasValue(15);
        assertThat(mappings.mappings(EDU)).isEmpty();
        // The old number may be used again, and starts empty.
        feed("virtio_iommu_get_domain Alloc domain=14");
    }

    @Test
    void whatWasBeforeTheTraceIsNotMadeUp() {
        assertThatThrownBy(() -> mappings.mappings(EDU))
                .isInstanceOf(MalformedTraceException.class)
                .hasMessageContaining("02:00.0");
        feed(
                "virtio_iommu_attach domain=3 endpoint=512",
                "virtio_iommu_switch_address_space Device 02:00.0 switching address space (iommu enabled=1)",
                "virtio_iommu_unmap_done domain=3 virt_start=0x0 virt_end=0xfff");
        assertThatThrownBy(() -> mappings.mappings(EDU))
                .as("a domain that existed before")
                .isInstanceOf(MalformedTraceException.class)
                .hasMessageContaining("domain 3");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "virtio_iommu_map domain=14 virt_start=0x800 virt_end=0x17ff phys_start=0x0 flags=3",
                "virtio_iommu_map domain=14 virt_start=0x0 virt_end=0xffff phys_start=0x0 flags=3",
                "virtio_iommu_unmap_done domain=14 virt_start=0x1000 virt_end=0x1fff",
                "virtio_iommu_unmap_done domain=14 virt_start=0x0 virt_end=0x1fff",
                "virtio_iommu_get_domain Alloc domain=14",
                "virtio_iommu_detach domain=9 endpoint=512"
            })
    void refusesWhatCannotFollow(String line) {
        attach();
        feed("virtio_iommu_map domain=14 virt_start=0x0 virt_end=0xfff phys_start=0x1000 flags=3");

        assertThatThrownBy(() -> feed(line)).isInstanceOf(MalformedTraceException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "virtio_iommu_map",
                "virtio_iommu_map domain=14 virt_start=0x0 virt_end=0xfff",
                "virtio_iommu_map domain=14 virt_start=0x1000 virt_end=0xfff phys_start=0x0 flags=3",
                "virtio_iommu_map domain=99999999999 virt_start=0x0 virt_end=0xfff phys_start=0x0 flags=3",
                "virtio_iommu_unmap domain=14 virt_start=0x0 virt_end=0x00000000000000fff",
                "virtio_iommu_attach domain=1 endpoint=65536",
                "virtio_iommu_switch_address_space Device 02:00 switching address space (iommu enabled=1)",
                "virtio_iommu_switch_address_space Device 02:00.0 switching",
                "virtio_iommu_translate mr=a rid=512 addr=0x1000",
                "virtio_iommu_report_fault FAULT reason=2 flags=256 endpoint=512"
            })
    void refusesAKnownEventItDoesNotUnderstand(String line) {
        assertThatThrownBy(() -> parse(line)).isInstanceOf(MalformedTraceException.class);
    }

    @Test
    void skipsOtherLines() {
        assertThat(parse("virtio_iommu_get_config page_size_mask=0x1000")).isEmpty();
        assertThat(parse("qemu-system-x86_64: warning: something")).isEmpty();
        assertThat(parse("")).isEmpty();
    }

    private void attach() {
        feed(
                "virtio_iommu_switch_address_space Device 02:00.0 switching address space (iommu enabled=0)",
                "virtio_iommu_attach domain=14 endpoint=512",
                "virtio_iommu_get_domain Alloc domain=14",
                "virtio_iommu_switch_address_space Device 02:00.0 switching address space (iommu enabled=1)");
    }

    private void feed(String... lines) {
        Stream.of(lines).map(this::parse).forEach(event -> event.ifPresent(mappings::accept));
    }

    private Optional<TraceEvent> parse(String line) {
        return TraceLine.of(line).flatMap(trace::parse);
    }

    private List<TraceEvent> recorded() throws IOException {
        try (InputStream in = getClass().getResourceAsStream("virtio-iommu-trace.log")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .flatMap(line -> parse(line).stream())
                    .toList();
        }
    }

    private static int first(Class<?> type, List<TraceEvent> events) {
        return events.indexOf(events.stream().filter(type::isInstance).findFirst().orElseThrow());
    }
}
