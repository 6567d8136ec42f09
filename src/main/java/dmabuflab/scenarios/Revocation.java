// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Edu;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Importer.Notify;
import dmabuflab.guest.Importer.Pfn;
import dmabuflab.guest.Importer.Wish;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.Job;
import dmabuflab.guest.VfioDevice;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.Mapping;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What ends access to a vfio-pci buffer, what gives it back, and what an importer hears of it. */
@Catalogue
@Devices("ivshmem:16M")
class Revocation {
    private static final long PAGES = 64;
    private static final Range SOME = new Range(1 << 20, PAGES * Exporter.PAGE);

    @Test
    @DisplayName("clearing COMMAND.MEM revokes: queries get ENODEV, the importer is notified once")
    @Proves({"RV1", "RV4", "PQ3"})
    void commandMemory(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));
        assertGranted(exporter, importer);

        exporter.vfio().memory(false);

        assertRevoked(importer);
        List<Notify> notifies = importer.notifies();
        assertThat(notifies).hasSize(1);
        assertThat(notifies.get(0).requeryErrno())
                .as("a query from inside the notify of a revoke")
                .isEqualTo("ENODEV");
        assertThat(bed.events("dma_buf_invalidate_mappings")).as("notify events").hasSize(1);
    }

    @Test
    @DisplayName("setting COMMAND.MEM again gives the same PFNs back")
    @Proves("UR1")
    void unrevokeRestoresPfns(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));
        List<Pfn> before = importer.range(0, PAGES);

        exporter.vfio().memory(false);
        assertRevoked(importer);
        exporter.vfio().memory(true);

        assertGranted(exporter, importer);
        assertThat(importer.range(0, PAGES)).isEqualTo(before);
    }

    @Test
    @DisplayName("the notify of un-revoke comes when a query already succeeds")
    @Proves("UR2")
    void notifyOfUnrevokeFindsPfn(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));
        exporter.vfio().memory(false);
        exporter.vfio().memory(true);

        List<Notify> notifies = importer.notifies();

        assertThat(notifies).extracting(Notify::requeryErrno).containsExactly("ENODEV", "");
        assertThat(notifies.get(1).requeryPfn())
                .as("PFN of page 0 seen from inside the notify")
                .isEqualTo(exporter.pfn(SOME.offset()));
        assertThat(notifies.get(1).timeNs()).isGreaterThan(notifies.get(0).timeNs());
    }

    @Test
    @DisplayName("a COMMAND write that changes nothing neither revokes nor notifies")
    @Proves("RV6")
    void idleCommandWrite(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));

        exporter.vfio().memory(true);

        assertThat(importer.notifies()).isEmpty();
        assertGranted(exporter, importer);
    }

    @Test
    @DisplayName("VFIO_DEVICE_RESET revokes for its duration and gives the same PFNs back")
    @Proves({"RV1", "UR1", "UR2"})
    void deviceReset(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));

        exporter.vfio().reset();

        assertThat(importer.notifies())
                .extracting(Notify::requeryErrno)
                .as("queries from inside the notifies of a reset")
                .containsExactly("ENODEV", "");
        assertGranted(exporter, importer);
        assertThat(bed.events("vfio_move:"))
                .as("revokes traced")
                .filteredOn(event -> event.contains("revoked=1"))
                .hasSize(1);
    }

    @Test
    @DisplayName("a reset while revoked leaves the buffer revoked")
    @Proves({"RV1", "RV4"})
    void resetWhileRevoked(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));
        exporter.vfio().memory(false);

        exporter.vfio().reset();

        assertRevoked(importer);
        exporter.vfio().memory(true);
        assertGranted(exporter, importer);
    }

    @Test
    @DisplayName("closing the device is terminal: ENODEV for ever, also when it is opened again")
    @Proves({"RV1", "UR4"})
    void closeIsTerminal(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));
        assertGranted(exporter, importer);

        exporter.vfio().close();

        assertRevoked(importer);
        assertThat(importer.notifies()).extracting(Notify::requeryErrno).containsExactly("ENODEV");
        VfioDevice again = VfioDevice.reopen(bed.agent(), exporter.vfio().bdf(), "again");
        again.memory(true);
        assertRevoked(importer);
        Importer fresh = bed.importer(again.export(exporter.bar(), List.of(SOME), "fresh"));
        assertGranted(exporter, fresh);
    }

    @Test
    @DisplayName("driver unbind is terminal and does not hang while a buffer is imported")
    @Proves({"RV6", "UR4"})
    void unbindIsTerminal(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));
        assertGranted(exporter, importer);
        Job unbind = Job.start(bed.agent(), "pci.unbind", Map.of("bdf", exporter.vfio().bdf()));

        exporter.vfio().close();

        assertCompletes(bed, unbind);
        assertRevoked(importer);
        VfioDevice.open(bed.agent(), exporter.vfio().bdf(), "rebound");
        assertRevoked(importer);
    }

    @Test
    @DisplayName("a dma-buf outlives its device, and its end afterwards leaves nothing behind")
    @Proves({"RV6", "UR4"})
    void bufferOutlivesDevice(Testbed bed) {
        Exporter exporter = bed.exporter();
        DmaBuf buffer = exporter.export(SOME);
        Importer importer = bed.importer(buffer);
        assertGranted(exporter, importer);

        exporter.vfio().close();
        assertThat(buffer.size()).isEqualTo(SOME.length());
        importer.detach();
        buffer.close();

        assertThat(bed.buffers()).as("dma-bufs left in bufinfo").isZero();
        assertCompletes(
                bed, Job.start(bed.agent(), "pci.unbind", Map.of("bdf", exporter.vfio().bdf())));
    }

    @Test
    @DisplayName("a closed dma-buf lets the device go: unbind afterwards completes")
    @Proves("RV6")
    void releaseLetsDeviceGo(Testbed bed) {
        Exporter exporter = bed.exporter();
        DmaBuf buffer = exporter.export(SOME);
        Importer importer = bed.importer(buffer);
        assertGranted(exporter, importer);

        importer.detach();
        buffer.close();
        exporter.vfio().close();

        assertThat(bed.buffers()).as("dma-bufs left in bufinfo").isZero();
        assertCompletes(
                bed, Job.start(bed.agent(), "pci.unbind", Map.of("bdf", exporter.vfio().bdf())));
    }

    @Test
    @DisplayName("attaching while revoked is refused with ENODEV, and works after un-revoke")
    @Proves("PQ3")
    void attachWhileRevoked(Testbed bed) {
        Exporter exporter = bed.exporter();
        DmaBuf buffer = exporter.export(SOME);
        exporter.vfio().memory(false);

        Answer refused = bed.tryImporter(buffer, Wish.PFN_IMPORTER, "early");

        assertThat(refused.errno()).isEqualTo("ENODEV");
        assertThat(bed.attachments()).isZero();
        exporter.vfio().memory(true);
        assertGranted(exporter, bed.importer(buffer));
    }

    @Test
    @DisplayName("a buffer exported while memory is disabled is born revoked")
    @Proves({"PQ3", "UR1"})
    void bornRevoked(Testbed bed) {
        Exporter exporter = bed.exporter();
        exporter.vfio().memory(false);
        DmaBuf buffer = exporter.export(SOME);

        assertThat(bed.tryImporter(buffer, Wish.PFN_IMPORTER, "early").errno()).isEqualTo("ENODEV");
        exporter.vfio().memory(true);
        assertGranted(exporter, bed.importer(buffer));
    }

    @Test
    @DisplayName("a hot reset revokes the buffers of every device on the bus, and gives them back")
    @Proves({"RV1", "UR1"})
    @Devices("ivshmem-two-on-bus:1M")
    void hotResetReachesAllDevices(Testbed bed) {
        Exporter exporter = bed.exporter();
        VfioDevice sibling = VfioDevice.open(bed.agent(), exporter.sibling(), "sibling");
        Range small = new Range(0, PAGES * Exporter.PAGE);
        Importer ours = bed.importer(exporter.export(small));
        Importer theirs =
                bed.importer(sibling.export(exporter.bar(), List.of(small), "sibling-buf"));
        List<Pfn> before = theirs.range(0, PAGES);

        exporter.vfio().hotReset();

        for (Importer each : List.of(ours, theirs)) {
            assertThat(each.notifies())
                    .extracting(Notify::requeryErrno)
                    .containsExactly("ENODEV", "");
        }
        assertThat(theirs.range(0, PAGES)).isEqualTo(before);
        assertThat(ours.query(0).pfn()).isEqualTo(exporter.pfn(0));
    }

    @Test
    @DisplayName("in low power nothing gives access back, not even a COMMAND write or a new export")
    @Proves({"RV1", "RV6", "PQ3"})
    @Devices("nvme:16M")
    void lowPowerLasts(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));
        assertGranted(exporter, importer);
        exporter.vfio().lowPower(true);
        assertRevoked(importer);

        exporter.vfio().memory(true);

        assertRevoked(importer);
        DmaBuf born = exporter.export(SOME);
        assertThat(bed.tryImporter(born, Wish.PFN_IMPORTER, "early").errno())
                .as("attaching to a buffer exported in low power")
                .isEqualTo("ENODEV");
        exporter.vfio().lowPower(false);
        assertGranted(exporter, importer);
        assertGranted(exporter, bed.importer(born));
    }

    @Test
    @DisplayName("enabling SR-IOV takes the device out of low power, and gives access back")
    @Proves("UR1")
    @Devices({"nvme-sriov", "edu"})
    void sriovEndsLowPower(Testbed bed) {
        write(bed, "/sys/module/vfio_pci/parameters/enable_sriov", "Y");
        String bdf = bed.vfioDevice("nvme-sriov");
        VfioDevice function = VfioDevice.open(bed.agent(), bdf, "function");
        Range registers = new Range(0, Exporter.PAGE);
        DmaBuf buffer = function.export(0, List.of(registers), "registers");
        Importer importer = bed.importer(buffer);
        Pfn granted = importer.query(0);
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        ioas.map(buffer, DmaWindow.IOVA, 0, registers.length());
        List<Mapping> mapped = bed.iommu().mappings(edu.device());
        assertThat(mapped)
                .extracting(Mapping::physical)
                .containsExactly(granted.pfn() * Exporter.PAGE);
        assertThat(function.power(3)).as("D3hot").isEqualTo(3);
        assertThat(importer.tryQuery(0, "unlocked").errno()).isEqualTo("ENODEV");
        assertThat(bed.iommu().mappings(edu.device())).isEmpty();

        write(bed, "/sys/bus/pci/devices/" + bdf + "/sriov_numvfs", "1");

        assertThat(function.tryRead(0, 0, 4)).as("the CPU").matches(Answer::ok);
        assertThat(importer.query(0)).isEqualTo(granted);
        assertThat(bed.iommu().mappings(edu.device())).isEqualTo(mapped);
        write(bed, "/sys/bus/pci/devices/" + bdf + "/sriov_numvfs", "0");
    }

    private static void write(Testbed bed, String path, String text) {
        bed.agent().call("file.write", Map.of("path", path, "text", text));
    }

    @Test
    @DisplayName("queries racing a storm of revokes never get a PFN after a revoke has returned")
    @Proves("RV4")
    void queriesRaceRevokes(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));

        Answer storm =
                bed.agent()
                        .call(
                                "storm.revoke",
                                Map.of(
                                        "dev",
                                        exporter.vfio().name(),
                                        "importer",
                                        importer.name(),
                                        "pages",
                                        PAGES,
                                        "seconds",
                                        4));

        assertThat(storm.number("violations")).as(storm.json().toString()).isZero();
        assertThat(storm.number("revokes")).as("revokes in the storm").isPositive();
        assertThat(storm.number("granted")).as("queries answered").isPositive();
        assertThat(storm.number("inside"))
                .as("queries that lay wholly inside a time of revocation")
                .isPositive();
        assertThat(storm.json().required("errors").fieldNames())
                .toIterable()
                .as("errors of refused queries")
                .containsOnly("ENODEV");
        exporter.vfio().memory(true);
        assertGranted(exporter, importer);
    }

    /** Every page has the PFN the hardware decodes: two witnesses that access is there. */
    private static void assertGranted(Exporter exporter, Importer importer) {
        long first = exporter.pfn(SOME.offset());
        List<Pfn> pages = importer.range(0, PAGES);
        for (int page = 0; page < PAGES; page++) {
            assertThat(pages.get(page).pfn()).as("PFN of page %d", page).isEqualTo(first + page);
        }
    }

    private static void assertRevoked(Importer importer) {
        for (String lock : List.of("unlocked", "caller")) {
            for (long page : List.of(0L, PAGES / 2, PAGES - 1)) {
                assertThat(importer.tryQuery(page, lock).errno())
                        .as("query of page %d, lock %s", page, lock)
                        .isEqualTo("ENODEV");
            }
        }
    }

    private static void assertCompletes(Testbed bed, Job job) {
        assertThat(bed.complete(job)).matches(Answer::ok);
    }
}
