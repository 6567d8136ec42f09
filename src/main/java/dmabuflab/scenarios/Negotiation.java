// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.BarMapping;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Edu;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Importer.Wish;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.Memslot;
import dmabuflab.guest.NetInterface;
import dmabuflab.guest.RdmaEndpoint;
import dmabuflab.guest.RdmaEndpoint.Access;
import dmabuflab.guest.RdmaLink;
import dmabuflab.guest.TestExporter;
import dmabuflab.guest.TestExporter.Lifetime;
import dmabuflab.guest.TestExporter.Segment;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.Mapping;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Which importers an exporter takes, decided at attach, before any PFN is given. */
@Catalogue
class Negotiation {
    private static final String REFUSED = "EOPNOTSUPP";
    private static final long SIZE = 64 << 10;

    @Test
    @DisplayName("vfio-pci, which revokes, refuses an importer that cannot be notified")
    @Proves({"RV5", "LC2"})
    @Devices({"ivshmem:16M", "edu"})
    void notifyIsRequired(Testbed bed) {
        Exporter exporter = bed.exporter();
        DmaBuf buffer = exporter.exportAll();
        String device = bed.idleDevice();
        for (Wish wish :
                List.of(
                        Wish.PFN_IMPORTER.withoutNotify(),
                        Wish.PFN_IMPORTER.withoutNotify().forDevice(device),
                        Wish.PFN_IMPORTER.withoutNotify().mapOnly().forDevice(device))) {
            assertRefused(bed, buffer, wish);
        }
        assertNothingAttached(bed);
        assertThat(bed.importer(buffer).query(0).pfn()).isEqualTo(exporter.pfn(0));
    }

    @Test
    @DisplayName("the system heap has no PFNs to offer and says so at attach")
    @Proves("NG4")
    @Devices("edu")
    void heapHasNoPfns(Testbed bed) {
        refusesPfnImporters(bed, DmaBuf.heap(bed.agent(), SIZE, "ram"));
    }

    @Test
    @DisplayName(
            "each importer that needs PFNs is refused the system heap, and who maps it goes on")
    @Proves({"NG1", "NG4"})
    @Devices("edu")
    void heapIsForThoseWhoMap(Testbed bed) {
        bed.requireSeries("importers that need PFNs");
        DmaBuf buffer = DmaBuf.heap(bed.agent(), SIZE, "heap");
        byte[] mark = {1, 2, 3, 4, 5, 6, 7, 8};
        BarMapping cpu = buffer.map(0, SIZE, "cpu");
        cpu.write(SIZE - mark.length, mark);
        Importer mapper =
                bed.importer(buffer, Wish.PFN_IMPORTER.mapOnly().forDevice(bed.idleDevice()));
        mapper.map();
        NetInterface network = NetInterface.dummy(bed.agent(), "net0");
        network.address("10.0.0.1/24");
        RdmaEndpoint endpoint = RdmaLink.create(bed.agent(), "rxe0", network).open("endpoint");

        for (Access[] access : List.of(RdmaWindow.PINNED, RdmaWindow.ON_DEMAND)) {
            assertThat(endpoint.tryRegister("refused", buffer, 0, SIZE, access).errno())
                    .as("registered for %s", List.of(access))
                    .isEqualTo(REFUSED);
        }
        Memslot slot = Memslot.at(1, KvmWindow.GPA, SIZE).of(buffer, 0);
        assertThat(bed.vm().trySet(slot).errno()).as("a slot").isEqualTo(REFUSED);
        assertThat(bed.ioas().tryMap(buffer, 1L << 30, 0, SIZE).errno())
                .as("mapped by iommufd")
                .isEqualTo(REFUSED);

        assertThat(bed.attachments()).isEqualTo(1);
        assertThat(bed.events("dma_buf_dynamic_attach")).as("the one that maps").hasSize(1);
        mapper.unmap();
        mapper.map();
        assertThat(cpu.read(SIZE - mark.length, mark.length)).isEqualTo(mark);
        mapper.unmap();
        mapper.detach();
        cpu.close();
        buffer.close();
        assertThat(bed.buffers()).as("dma-bufs that a refused importer keeps").isZero();
    }

    @Test
    @DisplayName("udmabuf has PFNs that never change: no notify needed, and mapping works as ever")
    @Proves({"NG4", "NG5", "LC1"})
    @Devices("edu")
    void udmabufNeedsNoNotify(Testbed bed) {
        DmaBuf buffer = DmaBuf.udmabuf(bed.agent(), SIZE, "ram");
        Importer importer = bed.importer(buffer, Wish.PFN_IMPORTER.withoutNotify());
        byte[] mark = {1, 2, 3, 4, 5, 6, 7, 8};
        buffer.map(0, Exporter.PAGE, "cpu").write(0, mark);
        assertThat(bed.ram().read(importer.query(0).pfn() * Exporter.PAGE, mark.length))
                .isEqualTo(mark);

        Importer mapper =
                bed.importer(buffer, Wish.PFN_IMPORTER.mapOnly().forDevice(bed.idleDevice()));
        mapper.map();
        assertThat(bed.attachments()).isEqualTo(2);
    }

    @Test
    @DisplayName("iommufd, which maps MMIO, refuses RAM although it has PFNs")
    @Proves("AT3")
    void iommufdTakesNoRam(Testbed bed) {
        DmaBuf buffer = DmaBuf.udmabuf(bed.agent(), SIZE, "ram");

        Answer answer = bed.ioas().tryMap(buffer, 1L << 30, 0, SIZE);

        assertThat(answer.errno()).isEqualTo(REFUSED);
        assertThat(bed.attachments()).isZero();
        // It has to attach to learn what the memory is.
        assertThat(bed.events("dma_buf_dynamic_attach")).hasSize(1);
        assertThat(bed.events("dma_buf_detach")).hasSize(1);
    }

    @Test
    @DisplayName("an importer without a device that asks for no PFNs is refused, not a crash")
    @Proves("NG5")
    @Devices("ivshmem:16M")
    void mappingNeedsDevice(Testbed bed) {
        Exporter exporter = bed.exporter();
        DmaBuf buffer = exporter.exportAll();

        Answer answer = bed.tryImporter(buffer, Wish.PFN_IMPORTER.mapOnly(), "mapper");

        assertThat(answer.errno()).isEqualTo("EINVAL");
        assertNothingAttached(bed);
        assertThat(bed.importer(buffer).query(1).pfn()).isEqualTo(exporter.pfn(Exporter.PAGE));
    }

    private static void refusesPfnImporters(Testbed bed, DmaBuf buffer) {
        String device = bed.idleDevice();
        assertRefused(bed, buffer, Wish.PFN_IMPORTER);
        assertRefused(bed, buffer, Wish.PFN_IMPORTER.forDevice(device));
        assertNothingAttached(bed);
        // Importers that map keep working.
        Importer mapper = bed.importer(buffer, Wish.PFN_IMPORTER.mapOnly().forDevice(device));
        mapper.map();
        assertThat(bed.events("dma_buf_dynamic_attach")).hasSize(1);
        mapper.unmap();
        mapper.detach();
    }

    private static void assertRefused(Testbed bed, DmaBuf buffer, Wish wish) {
        assertThat(bed.tryImporter(buffer, wish, "refused").errno())
                .as("attach of %s", wish)
                .isEqualTo(REFUSED);
    }

    private static void assertNothingAttached(Testbed bed) {
        assertThat(bed.attachments()).as("attachments in bufinfo").isZero();
        assertThat(bed.events("dma_buf_dynamic_attach")).as("attach events").isEmpty();
    }

    @Test
    @DisplayName("iommufd refuses a buffer of which any part is RAM")
    @Proves("AT3")
    @Devices({"ivshmem:16M", "edu"})
    void iommufdAndMixed(Testbed bed) {
        bed.requireSeries("attributes");
        Exporter device = bed.exporter();
        String bdf = device.vfio().bdf();
        TestExporter exporter =
                TestExporter.create(
                        bed.agent(),
                        "exporter",
                        Lifetime.REVOCABLE,
                        List.of(
                                Segment.bar(bdf, device.bar(), 1 << 20, 8),
                                Segment.ram(8, 0),
                                Segment.bar(bdf, device.bar(), 2 << 20, 8)));
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        long iova = 1L << 30;
        long page = Exporter.PAGE;
        long attachments = bed.attachments();

        for (long pages : new long[] {24, 9}) {
            assertThat(ioas.tryMap(exporter.buffer(), iova, 0, pages * page).errno())
                    .as("%d pages", pages)
                    .isEqualTo("EOPNOTSUPP");
            assertThat(bed.attachments()).isEqualTo(attachments);
            assertThat(bed.iommu().mappings(edu.device())).isEmpty();
        }
        ioas.map(exporter.buffer(), iova, 0, 8 * page);
        ioas.map(exporter.buffer(), 2 * iova, 16 * page, 8 * page);
        assertThat(bed.iommu().mappings(edu.device()))
                .extracting(Mapping::physical)
                .containsExactly(device.pfn(1 << 20) * page, device.pfn(2 << 20) * page);
    }
}
