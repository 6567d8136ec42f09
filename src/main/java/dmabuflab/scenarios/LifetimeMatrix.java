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
import java.util.List;
import org.junit.jupiter.api.DisplayName;

/**
 * Every importer against everything an exporter may promise and then do. What has to come of it is
 * derived from the contract: who goes together at all, and what is left when memory moves or goes.
 */
@Catalogue
class LifetimeMatrix {
    static final int OTHER_PLACE = 1;

    private static final String REFUSED = "EOPNOTSUPP";
    private static final String ATTACH = "dma_buf_dynamic_attach";
    private static final long PAGES = 16;

    /** Offsets into the BAR: where the buffer is at first, and where it can move to. */
    private static final long[] PLACES = {ImporterUnderTest.FIRST_PLACE, 4 << 20};

    private static final long OFFSET = 3 * Exporter.PAGE + 64;
    private static final long BEFORE = 0x1111_1111_1111_1111L;
    private static final long AFTER = 0x2222_2222_2222_2222L;

    /** What the exporter leaves where the buffer was. */
    private static final long POISON = 0xa5a5_a5a5_a5a5_a5a5L;

    @EachEvent
    @EachImporter
    @EachLifetime
    @DisplayName("who goes together, and what an importer reaches when the exporter does as it may")
    @Proves({"LC1", "LC2", "LC3", "LC4", "NG1", "NG2", "NG3", "MV1", "UR3", "UR4"})
    @Devices({"ivshmem:16M", "edu"})
    void pair(Testbed bed, BufferEvent event, ImporterKind kind, Lifetime lifetime) {
        bed.requireSeries("lifetimes");
        Reach expected = Reach.after(event, kind, lifetime);
        bed.expect(kind, List.of(lifetime, event), expected.toString());
        Exporter device = bed.exporter();
        TestExporter exporter =
                TestExporter.create(bed.agent(), "exporter", lifetime, List.of(place(device, 0)));
        exporter.place(place(device, OTHER_PLACE));
        ImporterUnderTest importer = ImporterUnderTest.of(kind, bed, device);
        long attachments = bed.attachments();
        int attaches = bed.events(ATTACH).size();

        Answer attached = importer.attach(exporter.buffer());

        if (expected == Reach.REFUSED) {
            assertThat(attached.errno()).isEqualTo(REFUSED);
            assertThat(bed.attachments()).isEqualTo(attachments);
            assertThat(bed.events(ATTACH)).hasSize(attaches);
            return;
        }
        assertThat(attached.errno()).isEmpty();
        importer.assertReaches(device, PLACES[0], OFFSET, BEFORE);

        Answer happened = event.attempt(exporter);

        assertThat(happened.errno()).isEqualTo(event.isPermitted(lifetime) ? "" : REFUSED);
        switch (expected) {
            case STAYS, RECOVERS -> importer.assertReaches(device, PLACES[0], OFFSET, AFTER);
            case FOLLOWS -> assertFollows(device, importer);
            case CUT_OFF -> importer.assertCutOff(device, OFFSET, AFTER);
            case REFUSED -> throw new AssertionError("never attached");
        }
    }

    private static Segment place(Exporter device, int number) {
        return Segment.bar(device.vfio().bdf(), device.bar(), PLACES[number], PAGES);
    }

    private static void assertFollows(Exporter device, ImporterUnderTest importer) {
        assertThat(device.memory().readLong(PLACES[1] + OFFSET))
                .as("what was written before, in the new place")
                .isEqualTo(BEFORE);
        assertThat(device.memory().readLong(PLACES[0] + OFFSET))
                .as("the old place")
                .isEqualTo(POISON);
        importer.assertReaches(device, PLACES[1], OFFSET, AFTER);
    }
}
