// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.GraphicsBuffer;
import dmabuflab.guest.Importer;
import dmabuflab.guest.TestExporter;
import dmabuflab.guest.TestExporter.Ability;
import dmabuflab.guest.TestExporter.Lifetime;
import dmabuflab.guest.TestExporter.Segment;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * The kernel's own importers of the graphics stack, which map by scatterlist, have no notify
 * callback and say nothing of what they tolerate: neither stale memory nor a hanging revoke.
 */
@Catalogue
class Graphics {
    private static final String VGEM = "vgem";
    private static final String REFUSED = "EOPNOTSUPP";
    private static final long PAGES = 16;
    private static final long PAGE = Exporter.PAGE;

    @EachLifetime
    @DisplayName("vgem gets memory that stays, or is made to stay, and none that may be revoked")
    @Proves({"GP1", "NG2", "RV5"})
    void vgem(Testbed bed, Lifetime lifetime) {
        bed.requireSeries("lifetimes");
        TestExporter exporter =
                TestExporter.create(
                        bed.agent(),
                        "exporter",
                        lifetime,
                        List.of(Segment.ram(PAGES, 0)),
                        Ability.MAPPABLE);
        int elsewhere = exporter.place(Segment.ram(PAGES, 2));
        Importer importer = bed.importer(exporter.buffer());
        importer.write(64, 7);

        Answer imported =
                GraphicsBuffer.tryImport(bed.agent(), VGEM, exporter.buffer(), "imported");

        assertThat(imported.errno()).isEqualTo(lifetime == Lifetime.REVOCABLE ? REFUSED : "");
        assertThat(bed.attachments()).isEqualTo(lifetime == Lifetime.REVOCABLE ? 1 : 2);
        assertThat(importer.query(0).pfn()).isEqualTo(exporter.pfn(0, 0));
        switch (lifetime) {
            case PINNED -> {}
            case REVOCABLE -> exporter.revoke(); // which nobody can hold up
            case DYNAMIC -> {
                assertThat(exporter.tryMove(elsewhere).errno()).isEqualTo("EBUSY");
                GraphicsBuffer.imported(bed.agent(), "imported").close();
                exporter.move(elsewhere);
                assertThat(importer.read(64)).isEqualTo(7);
                assertThat(first(bed, exporter.pfn(elsewhere, 0), 64)).isEqualTo((byte) 7);
            }
        }
        if (lifetime != Lifetime.DYNAMIC) {
            assertThat(first(bed, exporter.pfn(0, 0), 64)).isEqualTo((byte) 7);
        }
    }

    @Test
    @DisplayName(
            "neither vgem nor virtio-gpu takes a BAR of vfio-pci, and both leave nothing behind")
    @Proves({"GP1", "RV5"})
    @Devices({"ivshmem:16M", "virtio-gpu"})
    void bar(Testbed bed) {
        Exporter exporter = bed.exporter();
        for (String driver : List.of(VGEM, "virtio_gpu")) {
            Answer answer =
                    GraphicsBuffer.tryImport(bed.agent(), driver, exporter.exportAll(), "imported");
            assertThat(answer.errno()).as(driver).isEqualTo(REFUSED);
        }
        assertThat(bed.attachments()).isZero();
        assertThat(bed.events("dma_buf_dynamic_attach")).isEmpty();
        assertThat(bed.importer(exporter.exportAll()).query(0).pfn()).isEqualTo(exporter.pfn(0));
    }

    private static byte first(Testbed bed, long pfn, long offset) {
        return bed.ram().read(pfn * PAGE + offset, 1)[0];
    }
}
