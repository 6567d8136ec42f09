// SPDX-License-Identifier: Apache-2.0
package dmabuflab.timeline;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.report.SequenceDiagram;
import dmabuflab.report.SequenceDiagram.Lane;
import dmabuflab.report.SequenceDiagram.Row;
import dmabuflab.report.SequenceDiagram.Source;
import dmabuflab.report.SequenceDiagram.Tone;
import dmabuflab.witness.VtdTrace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is made of the logs and traces of a scenario. */
class TimelineTest {
    /** The guest's clock is at 5.0 when it is 00:00:01.010 on the host, give or take 2 ms. */
    private static final String AGENT =
            """
            began 2026-05-04T00:00:00Z
              0.100000 → {"id":1,"op":"agent.hello"}
              0.300000 ← {"id":1,"ok":true,"monotonic_ns":4100000000}
              0.900000 → {"id":2,"op":"ioas.map","iova":1073741824,"dmabuf":"buf"}
              0.910000 ← {"id":2,"ok":true,"iova":1073741824}
              0.940000 → {"id":3,"op":"vfio.command","memory":0}
              0.960000 ← {"id":3,"ok":true,"text":"long …
              1.008000 → {"id":4,"op":"agent.hello"}
              1.012000 ← {"id":4,"ok":true,"monotonic_ns":5000000000}
              1.020000 → {"id":5,"op":"importer.query","page":0}
              1.025000 ← {"id":5,"ok":false,"error":"ENODEV"}
            """;

    /** 4.940 is 0.950 on the host. */
    private static final String KERNEL =
            """
            # tracer: nop
                      labctl-83      [001] .....     4.932000: vfio_move: (vfio_pci_dma_buf_move+0x0/0x160) revoked=1
                      labctl-83      [001] .....     4.933000: dma_buf_invalidate_mappings: exp_name=vfio_pci_core size=262144 ino=1
                      labctl-83      [001] .....     4.934000: unmap: IOMMU: iova=0x0000000040000000 - 0x0000000040040000 size=262144 unmapped_size=262144
                      labctl-83      [001] .....     4.940000: dma_buf_get_pfn: exp_name=vfio_pci_core pgoff=3 pfn=0x0 order=0 ret=-19
            """;

    @TempDir Path folder;

    @Test
    void everythingIsOnTheHostsClock() throws IOException {
        write(
                AGENT,
                KERNEL,
                "1@1777852800.945500:vtd_inv_desc_iotlb_pages iotlb invalidate domain 0xb addr"
                        + " 0x40000000 mask 0x6\n"
                        + "1@1777852801.100000:vtd_dmar_fault sid 0x200 fault 5 addr 0x40003000"
                        + " write 1\n");
        SequenceDiagram diagram = diagram();

        assertThat(diagram.rows())
                .extracting(Row::words)
                .containsExactly(
                        "ioas.map iova=0x40000000 dmabuf=buf",
                        "vfio.command memory=0",
                        "revoking begins",
                        "notify: mappings are invalid",
                        "unmap 0x40000000+256 KiB",
                        "IOTLB invalidation, 0x40000000+256 KiB",
                        "query of page 3: ENODEV",
                        "vfio.command returns",
                        "importer.query page=0",
                        "importer.query: ENODEV",
                        "DMA write of 0x40003000 refused: 0x5, page not writable");
        assertThat(diagram.rows().get(2).at()).isEqualTo(0.042, within());
        assertThat(diagram.rows().get(6).at()).isEqualTo(0.050, within());
        Row fault = diagram.rows().get(10);
        assertThat(List.of(fault.from(), fault.to())).containsExactly(Lane.DEVICE, Lane.IOMMU);
        assertThat(fault.tone()).isEqualTo(Tone.REFUSED);
        assertThat(fault.source()).isEqualTo(Source.QEMU);
        Row notify = diagram.rows().get(3);
        assertThat(List.of(notify.from(), notify.to()))
                .containsExactly(Lane.EXPORTER, Lane.IMPORTER);
    }

    @Test
    void orderAcrossClocksIsClaimedOnlyWhereItIsKnown() throws IOException {
        write(AGENT, KERNEL, "1@1777852800.945500:vtd_inv_desc_iotlb_global x\n");
        SequenceDiagram diagram = diagram();
        // 0.944 and 0.9455 are 1.5 ms apart, and the clocks are known to 2 ms.
        assertThat(diagram.rows().subList(3, 7))
                .extracting(Row::unsure)
                .containsExactly(false, true, true, false);
        assertThat(diagram.notes()).singleElement().asString().contains("±2.0 ms");
    }

    @Test
    void ofABigTraceThePartThatMattersIsShownAndTheRestCounted() throws IOException {
        StringBuilder agent = new StringBuilder(AGENT);
        for (int n = 0; n < 300; n++) {
            String refused = n == 100 ? "false,\"error\":\"EBUSY\"" : "true";
            String op = n % 2 == 0 ? "vcpu.read" : "vcpu.write";
            agent.append("  %d.1 → {\"id\":%d,\"op\":\"%s\"}\n".formatted(10 + n, 10 + n, op));
            agent.append("  %d.2 ← {\"id\":%d,\"ok\":%s}\n".formatted(10 + n, 10 + n, refused));
        }
        write(
                agent.toString()
                        .replace(",\"error\":\"ENODEV\"", "")
                        .replace("\"ok\":false}", "\"ok\":true}"),
                "",
                "");
        SequenceDiagram diagram = diagram();
        assertThat(diagram.rows()).hasSizeLessThan(50);
        assertThat(diagram.rows()).extracting(Row::words).contains("vcpu.read: EBUSY");
        assertThat(diagram.rows())
                .filteredOn(row -> row.from() == null)
                .extracting(Row::words)
                .hasSize(2)
                .allMatch(words -> words.matches("\\d+ events left out: \\d+ vcpu\\.\\w+, .*"));
        long shown = diagram.rows().stream().filter(row -> row.from() != null).count();
        long left =
                diagram.rows().stream()
                        .filter(row -> row.from() == null)
                        .mapToLong(row -> Long.parseLong(row.words().split(" ", 2)[0]))
                        .sum();
        // 300 calls, one of them with a second row; and three of the beginning.
        assertThat(shown + left).isEqualTo(304);
    }

    @Test
    void kvmAndRdmaAreImportersToo() throws IOException {
        String line = "  labctl-84 [000] ...2.     4.51%d: %s\n";
        write(
                AGENT,
                line.formatted(
                                1,
                                "kvm_tdp_mmu_spte_changed: as id 0 gfn 140000 level 1 old_spte 8000000000000000 new_spte 910010e67")
                        + line.formatted(
                                2,
                                "kvm_unmap: (kvm_tdp_mmu_unmap_gfn_range+0x0/0xc0) kvm=0xffff88800260c000 start=0x140000 end=0x140040")
                        + line.formatted(
                                3,
                                "kvm_tdp_mmu_spte_changed: as id 0 gfn 140000 level 1 old_spte 910010e67 new_spte 0")
                        + line.formatted(
                                4,
                                "kvm_request: (kvm_make_all_cpus_request+0x0/0x130) kvm=0xffff request=0x316")
                        + line.formatted(
                                4,
                                "kvm_request: (kvm_make_all_cpus_request+0x0/0x130) kvm=0xffff request=0x316")
                        + line.formatted(
                                5,
                                "kvm_request: (kvm_make_all_cpus_request+0x0/0x130) kvm=0xffff request=0x300")
                        + line.formatted(6, "copied: (rxe_mr_copy+0x0/0x380) length=8 direction=0"),
                "");
        assertThat(diagram().rows())
                .filteredOn(row -> row.source() == Source.KERNEL)
                .extracting(Row::words)
                .containsExactly(
                        "SPTE of GPA 0x140000000, level 1: 0x910010e67",
                        "KVM unmaps GPA 0x140000000+256 KiB",
                        "SPTE of GPA 0x140000000, level 1: cleared",
                        "KVM asks vCPUs to flush",
                        "rxe copies 8 B, direction 0");
    }

    @Test
    void alikeNeighboursAreOneRow() throws IOException {
        write(
                "",
                "",
                "1@1777852801.1:vtd_x y\n"
                        + "1@1777852801.100000:vtd_dmar_fault sid 0x200 fault 5 addr 0x0 write 1\n"
                                .repeat(16));
        assertThat(diagram().rows())
                .singleElement()
                .satisfies(row -> assertThat(row.words()).startsWith("16 × DMA write"));
        assertThat(diagram().notes()).containsExactly("There is no trace of the kernel.");
    }

    @Test
    void whatCannotBeToldIsSaid() throws IOException {
        write("began 2026-05-04T00:00:00Z\n", KERNEL, "1@1777852801.1:vtd_dmar_fault what\n");
        assertThat(Timeline.of(folder, new VtdTrace()).diagram()).isEmpty();
        write(
                AGENT.replaceAll("\"monotonic_ns\":\\d+", "\"x\":0"),
                KERNEL,
                "1@1777852801.100000:vtd_dmar_fault what\n");
        assertThat(diagram().notes())
                .anyMatch(note -> note.startsWith("QEMU's trace is not understood: "))
                .contains("The kernel's trace is left out: the guest has not told its time.");
    }

    @Test
    void nothingIsDrawnOfAGuestThatNeverStarted() {
        assertThat(Timeline.of(folder, new VtdTrace()).diagram()).isEmpty();
    }

    private SequenceDiagram diagram() {
        return Timeline.of(folder, new VtdTrace()).diagram().orElseThrow();
    }

    private void write(String agent, String kernel, String qemu) throws IOException {
        Files.writeString(folder.resolve("agent.log"), agent);
        Files.writeString(folder.resolve("trace.txt"), kernel);
        Files.writeString(folder.resolve("qemu-trace.log"), qemu);
    }

    private static org.assertj.core.data.Offset<Double> within() {
        return org.assertj.core.data.Offset.offset(0.0001);
    }
}
