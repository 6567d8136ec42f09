// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Importer.Notify;
import dmabuflab.guest.Importer.Pfn;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.EachTrigger;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.scenario.Trigger;
import java.util.List;
import org.junit.jupiter.api.DisplayName;

/** An importer of PFNs, and each thing that ends access: what it is told and what it is granted. */
@Catalogue
class PfnTriggers {
    private static final long PAGES = 64;
    private static final Range SOME = new Range(1 << 16, PAGES * Exporter.PAGE);
    private static final String REFUSED = "ENODEV";
    private static final List<String> GIVEN_BACK = List.of(REFUSED, "");

    @EachTrigger
    @DisplayName("each trigger is notified, queries are refused, and the same PFNs come back")
    @Proves({"RV1", "RV4", "RV6", "UR1", "UR2", "UR4"})
    void importerIsTold(Testbed bed, Trigger trigger) {
        Exporter exporter = bed.exporter();
        DmaBuf buffer = exporter.export(SOME);
        Importer importer = bed.importer(buffer);
        long first = exporter.pfn(SOME.offset());
        List<Pfn> before = importer.range(0, PAGES);
        assertThat(before).extracting(Pfn::pfn).startsWith(first).endsWith(first + PAGES - 1);

        trigger.pull(bed, exporter);

        switch (trigger.effect()) {
            case LASTING -> {
                assertRefused(importer);
                assertHeard(importer, REFUSED);
                trigger.undo(bed, exporter);
                assertHeard(importer, "");
            }
            case TERMINAL -> {
                assertRefused(importer);
                assertHeard(importer, REFUSED);
            }
            case MOMENTARY -> assertHeard(importer, REFUSED, "");
            case NONE -> {
                // It may have been revoked on the way to the failure, and then it was given back.
                List<Notify> notifies = importer.notifies();
                assertThat(notifies).extracting(Notify::requeryErrno).isIn(List.of(), GIVEN_BACK);
            }
        }
        if (trigger.effect() != Trigger.Effect.TERMINAL) {
            assertThat(exporter.pfn(SOME.offset())).as("where the BAR is now").isEqualTo(first);
            assertThat(importer.range(0, PAGES)).isEqualTo(before);
        }
    }

    /** What queries from inside the notifies since the last time gave. */
    private static void assertHeard(Importer importer, String... errnos) {
        assertThat(importer.notifies())
                .extracting(Notify::requeryErrno)
                .as("queries from inside the notifies")
                .containsExactly(errnos);
    }

    private static void assertRefused(Importer importer) {
        for (String lock : List.of("unlocked", "caller")) {
            for (long page : List.of(0L, PAGES / 2, PAGES - 1)) {
                assertThat(importer.tryQuery(page, lock).errno())
                        .as("query of page %d, lock %s", page, lock)
                        .isEqualTo(REFUSED);
            }
        }
    }
}
