// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Importer.Wish;
import dmabuflab.guest.Job;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Who waits for whom: queries for moves and clears, revokes for users. */
@Catalogue
@Devices("ivshmem:16M")
class Waiting {
    /**
     * How long a call has to stay blocked to count as waiting, once it has begun. What it waits for
     * never comes by itself, so a longer time would prove no more; a kernel that does not wait is
     * through in microseconds.
     */
    private static final Duration BLOCKED = Duration.ofMillis(500);

    private static final Range SOME = new Range(0, 16 * Exporter.PAGE);

    @Test
    @DisplayName("a query waits for the exporter's KERNEL fence before it hands out a PFN")
    @Proves("PQ6")
    void queryWaitsForKernelFence(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));
        importer.holdFence("kernel");

        Job query = query(bed, importer);

        assertBlockedIn("get_pfn_unlocked:", bed, query);
        importer.signalFence();
        Answer answer = bed.complete(query);
        assertThat(answer.number("pfn")).isEqualTo(exporter.pfn(2 * Exporter.PAGE));
    }

    @Test
    @DisplayName("a query does not wait for BOOKKEEP fences")
    @Proves("PQ6")
    void queryIgnoresBookkeepFence(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));
        importer.holdFence("bookkeep");

        Answer answer = bed.complete(query(bed, importer));

        assertThat(answer.number("pfn")).isEqualTo(exporter.pfn(2 * Exporter.PAGE));
        importer.signalFence();
    }

    @Test
    @DisplayName("revoke waits for BOOKKEEP fences: work in flight ends before it returns")
    @Proves("RV3")
    void revokeWaitsForFences(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));
        assertThat(importer.query(0).pfn()).isEqualTo(exporter.pfn(0));
        importer.holdFence("bookkeep");

        Job revoke = revoke(bed, exporter);

        assertBlockedIn("revoked=1", bed, revoke);
        importer.signalFence();
        assertThat(bed.complete(revoke)).matches(Answer::ok);
        assertThat(importer.tryQuery(0, "unlocked").errno()).isEqualTo("ENODEV");
    }

    @Test
    @DisplayName("revoke waits until the importer has unmapped")
    @Proves("RV3")
    @Devices({"ivshmem:16M", "edu"})
    void revokeWaitsForUnmap(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer =
                bed.importer(exporter.export(SOME), Wish.PFN_IMPORTER.forDevice(bed.idleDevice()));
        assertThat(importer.query(0).pfn()).isEqualTo(exporter.pfn(0));
        importer.map();

        Job revoke = revoke(bed, exporter);

        assertBlockedIn("revoked=1", bed, revoke);
        assertThat(importer.notifies()).as("notifies before the unmap").hasSize(1);
        importer.unmap();
        assertThat(bed.complete(revoke)).matches(Answer::ok);
        assertThat(importer.tryQuery(0, "unlocked").errno()).isEqualTo("ENODEV");
    }

    private static void assertBlockedIn(String entered, Testbed bed, Job job) {
        assertThat(job.await(BLOCKED)).as("call that has to wait").isEmpty();
        assertThat(bed.events(entered)).as("calls that have begun").isNotEmpty();
    }

    private static Job query(Testbed bed, Importer importer) {
        return Job.start(
                bed.agent(),
                "importer.query",
                Map.of("name", importer.name(), "pgoff", 2, "lock", "unlocked"));
    }

    private static Job revoke(Testbed bed, Exporter exporter) {
        return Job.start(
                bed.agent(), "vfio.command", Map.of("dev", exporter.vfio().name(), "memory", 0));
    }
}
