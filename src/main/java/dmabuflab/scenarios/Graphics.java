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
import dmabuflab.scenario.BuiltIn;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Importers of the graphics stack that have no notify callback and say nothing of what they
 * tolerate: they get no stale memory, and do not get in the way of a revoke.
 */
@Catalogue
class Graphics {
    private static final String VGEM = "vgem";
    private static final String VIRTIO_GPU = "virtio_gpu";
    private static final String REFUSED = "EOPNOTSUPP";
    private static final long PAGES = 16;
    private static final long MARKED = 64;
    private static final int MARK = 7;

    @EachLifetime
    @DisplayName("vgem attaches to memory that stays or moves, and to none that may be revoked")
    @Proves({"GP1", "NG2", "RV5"})
    void vgem(Testbed bed, Lifetime lifetime) {
        bed.requireSeries("lifetimes");
        TestExporter exporter = exporter(bed, lifetime);
        int place = exporter.place(Segment.ram(PAGES, 2));
        Importer importer = bed.importer(exporter.buffer());
        importer.write(MARKED, MARK);

        Answer imported =
                GraphicsBuffer.tryImport(bed.agent(), VGEM, exporter.buffer(), "imported");

        assertThat(imported.errno()).isEqualTo(lifetime == Lifetime.REVOCABLE ? REFUSED : "");
        assertThat(bed.attachments()).isEqualTo(lifetime == Lifetime.REVOCABLE ? 1 : 2);
        assertThat(importer.query(0).pfn()).isEqualTo(exporter.pfn(0, 0));
        // Before it is used vgem maps nothing that would have to stay.
        switch (lifetime) {
            case PINNED -> place = 0;
            case REVOCABLE -> {
                exporter.revoke();
                place = 0;
            }
            case DYNAMIC -> {
                exporter.move(place);
                assertThat(importer.read(MARKED)).isEqualTo(MARK);
            }
        }
        assertThat(bed.ram().read(exporter.pfn(place, 0) * Exporter.PAGE + MARKED, 1))
                .containsExactly(MARK);
    }

    @EachLifetime
    @BuiltIn("virtio-gpu")
    @DisplayName("virtio-gpu without blob resources takes nothing, and leaves nothing behind")
    @Proves({"GP1", "NG2", "RV5"})
    void virtioGpu(Testbed bed, Lifetime lifetime) {
        bed.requireSeries("lifetimes");
        TestExporter exporter = exporter(bed, lifetime);
        int place = exporter.place(Segment.ram(PAGES, 2));
        Importer importer = bed.importer(exporter.buffer());
        importer.write(MARKED, MARK);

        Answer imported =
                GraphicsBuffer.tryImport(bed.agent(), VIRTIO_GPU, exporter.buffer(), "imported");

        assertThat(imported.errno()).isEqualTo(lifetime == Lifetime.REVOCABLE ? REFUSED : "ENODEV");
        assertThat(bed.attachments()).isEqualTo(1);
        if (lifetime == Lifetime.DYNAMIC) {
            exporter.move(place);
        } else {
            place = 0;
        }
        assertThat(importer.query(0).pfn()).isEqualTo(exporter.pfn(place, 0));
        assertThat(importer.read(MARKED)).isEqualTo(MARK);
        assertThat(bed.ram().read(exporter.pfn(place, 0) * Exporter.PAGE + MARKED, 1))
                .containsExactly(MARK);
    }

    @Test
    @DisplayName("vgem takes no BAR of vfio-pci, and leaves nothing behind")
    @Proves({"GP1", "RV5"})
    @Devices("ivshmem:16M")
    void bar(Testbed bed) {
        bed.requireSeries("queries");
        Exporter exporter = bed.exporter();

        Answer answer =
                GraphicsBuffer.tryImport(bed.agent(), VGEM, exporter.exportAll(), "imported");

        assertThat(answer.errno()).isEqualTo(REFUSED);
        assertThat(bed.attachments()).isZero();
        assertThat(bed.events("dma_buf_dynamic_attach")).isEmpty();
        assertThat(bed.importer(exporter.exportAll()).query(0).pfn()).isEqualTo(exporter.pfn(0));
    }

    private static TestExporter exporter(Testbed bed, Lifetime lifetime) {
        return TestExporter.create(
                bed.agent(),
                "exporter",
                lifetime,
                List.of(Segment.ram(PAGES, 0)),
                Ability.MAPPABLE);
    }
}
