// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.BarMapping;
import dmabuflab.guest.Importer;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.EachPassingTrigger;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.scenario.Trigger;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The BAR mapped for the CPU, beside an importer: both are cut off, or neither is. */
@Catalogue
class CpuMapping {
    private static final Range SOME = new Range(1 << 16, 64 * Exporter.PAGE);
    private static final int BYTES = 64;

    @EachPassingTrigger
    @DisplayName("an access through the mapping gets SIGBUS exactly when importers are cut off")
    @Proves("CP1")
    void mappingEndsWithImporters(Testbed bed, Trigger trigger) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));
        BarMapping mapping = exporter.vfio().map(exporter.bar(), SOME, "mapping");
        exporter.memory().fill();
        assertBothReach(exporter, mapping, importer);

        trigger.pull(bed, exporter);

        if (trigger.effect() == Trigger.Effect.LASTING) {
            assertBothCutOff(mapping, importer);
            trigger.undo(bed, exporter);
        }
        assertBothReach(exporter, mapping, importer);
    }

    @Test
    @DisplayName("low power cuts both off also while something keeps the device awake")
    @Proves("CP1")
    @Devices("nvme:1M")
    void lowPowerOfDeviceKeptAwake(Testbed bed) {
        Exporter exporter = bed.exporter();
        Importer importer = bed.importer(exporter.export(SOME));
        BarMapping mapping = exporter.vfio().map(exporter.bar(), SOME, "mapping");
        exporter.memory().fill();
        String power = "/sys/bus/pci/devices/" + exporter.vfio().bdf() + "/power/";
        bed.agent().call("file.write", Map.of("path", power + "control", "text", "on"));

        exporter.vfio().lowPower(true);

        assertBothCutOff(mapping, importer);
        String status = power + "runtime_status";
        assertThat(bed.agent().call("file.read", Map.of("path", status)).text("text"))
                .isEqualToIgnoringWhitespace("active");
        exporter.vfio().lowPower(false);
        assertBothReach(exporter, mapping, importer);
    }

    private static void assertBothCutOff(BarMapping mapping, Importer importer) {
        assertThat(mapping.tryRead(0, BYTES).errno()).isEqualTo("SIGBUS");
        assertThat(importer.tryQuery(0, "unlocked").errno()).isEqualTo("ENODEV");
    }

    private static void assertBothReach(Exporter exporter, BarMapping mapping, Importer importer) {
        assertThat(mapping.read(0, BYTES))
                .as("what the CPU reads")
                .isEqualTo(exporter.memory().pattern(SOME.offset(), BYTES));
        assertThat(importer.query(0).pfn()).isEqualTo(exporter.pfn(SOME.offset()));
    }
}
