// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Job;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Exports that fail half-way leave no trace. */
@Catalogue
@Devices("ivshmem:16M")
class ExportLimits {
    private static final Range SOME = new Range(0, 4 * Exporter.PAGE);

    @Test
    @DisplayName("an export that meets the fd limit leaves no dma-buf and lets the device go")
    @Proves("RV6")
    void fdLimit(Testbed bed) {
        Exporter exporter = bed.exporter();
        bed.agent().call("rlimit.nofile", Map.of("soft", 1));

        Answer refused = exporter.vfio().tryExport(exporter.bar(), List.of(SOME), "refused");
        bed.agent().call("rlimit.nofile", Map.of("soft", 0));

        assertThat(refused.errno()).isEqualTo("EMFILE");
        assertThat(bed.buffers()).as("dma-bufs left in bufinfo").isZero();
        Importer importer = bed.importer(exporter.export(SOME));
        assertThat(importer.query(3).pfn()).isEqualTo(exporter.pfn(3 * Exporter.PAGE));
        exporter.vfio().close();
        Job unbind = Job.start(bed.agent(), "pci.unbind", Map.of("bdf", exporter.vfio().bdf()));
        assertThat(bed.complete(unbind)).matches(Answer::ok);
    }

    @Test
    @DisplayName("ranges outside the BAR, empty or unaligned are refused with EINVAL")
    @Proves({"PQ3", "PQ5"})
    void badRanges(Testbed bed) {
        Exporter exporter = bed.exporter();
        for (Range bad :
                List.of(
                        new Range(exporter.size(), Exporter.PAGE),
                        new Range(exporter.size() - Exporter.PAGE, 2 * Exporter.PAGE),
                        new Range(0, 0),
                        new Range(12, Exporter.PAGE),
                        new Range(0, Exporter.PAGE / 2))) {
            assertThat(exporter.vfio().tryExport(exporter.bar(), List.of(bad), "bad").errno())
                    .as("export of %s", bad)
                    .isEqualTo("EINVAL");
        }
        assertThat(bed.buffers()).as("dma-bufs left in bufinfo").isZero();
        assertThat(bed.importer(exporter.exportAll()).query(0).pfn()).isEqualTo(exporter.pfn(0));
    }
}
