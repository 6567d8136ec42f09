// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.TestExporter;
import dmabuflab.guest.TestExporter.Lifetime;
import dmabuflab.guest.TestExporter.Segment;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.BarFile;
import java.util.List;
import org.junit.jupiter.api.DisplayName;

/** An exporter that cannot give what it was asked for, as the importers meet it. */
@Catalogue
@Devices({"ivshmem:16M", "edu"})
class ExporterFailures {
    private static final long PLACE = ImporterUnderTest.FIRST_PLACE;
    private static final long PAGES = 16;
    private static final long OFFSET = 3 * Exporter.PAGE + 64;
    private static final long VALUE = 0x1111_1111_1111_1111L;

    @EachImporter
    @DisplayName("whom the exporter does not let in is told why, leaves nothing, and may come back")
    @Proves({"NG1", "RV6"})
    void refusesAttachment(Testbed bed, ImporterKind kind) {
        Exporter device = bed.exporter();
        TestExporter exporter = exporter(bed, device);
        ImporterUnderTest importer = ImporterUnderTest.of(kind, bed, device);
        long attachments = bed.attachments();
        exporter.refuseAttachments();

        assertThat(importer.attach(exporter.buffer()).errno()).isEqualTo("ENOSPC");

        assertThat(bed.attachments()).isEqualTo(attachments);
        exporter.failQueries(0);
        assertThat(importer.attach(exporter.buffer()).errno()).isEmpty();
        importer.assertReaches(device, PLACE, OFFSET, VALUE);
    }

    /** Not the compositor, which nothing that failed may happen to. */
    @EachImporter({
        ImporterKind.KVM,
        ImporterKind.IOMMUFD,
        ImporterKind.RXE_PINNED,
        ImporterKind.RXE_ON_DEMAND,
        ImporterKind.GPU
    })
    @DisplayName("an importer whose query failed reaches nothing, and can ask again")
    @Proves({"PQ3", "RV6"})
    void failsQuery(Testbed bed, ImporterKind kind) {
        Exporter device = bed.exporter();
        TestExporter exporter = exporter(bed, device);
        ImporterUnderTest importer = ImporterUnderTest.of(kind, bed, device);
        long attachments = bed.attachments();
        exporter.failQueries(1);
        BarFile.Snapshot before = ImporterUnderTest.buffers(device);

        Answer attached = importer.attach(exporter.buffer());

        if (kind.asksAtAttach()) {
            assertThat(attached.errno()).isEqualTo("EIO");
            assertThat(bed.attachments()).isEqualTo(attachments);
            attached = importer.attach(exporter.buffer());
        } else {
            assertThat(importer.write(OFFSET, VALUE)).as("it can write").isFalse();
        }
        assertThat(device.memory().changedRanges(before)).as("memory that changed").isEmpty();
        assertThat(attached.errno()).isEmpty();
        importer.assertReaches(device, PLACE, OFFSET, VALUE);
    }

    private static TestExporter exporter(Testbed bed, Exporter device) {
        bed.requireSeries("the test exporter's PFNs");
        return TestExporter.create(
                bed.agent(),
                "exporter",
                Lifetime.PINNED,
                List.of(Segment.bar(device.vfio().bdf(), device.bar(), PLACE, PAGES)));
    }
}
