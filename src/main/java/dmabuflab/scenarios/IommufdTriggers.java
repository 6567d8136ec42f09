// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dmabuflab.guest.Edu;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.EachIommu;
import dmabuflab.scenario.EachTrigger;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.IommuModel;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.scenario.Trigger;
import org.junit.jupiter.api.DisplayName;

/**
 * iommufd as importer, and each thing that ends access: what DMA can do before, then, and after.
 */
@Catalogue
@Devices("edu")
class IommufdTriggers {
    private static final Range SOME = new Range(1 << 16, 64 * DmaWindow.PAGE);

    private static final String TITLE =
            "DMA ends with each trigger, and comes back to the same frames if not for ever";

    @EachTrigger
    @EachIommu({IommuModel.VTD, IommuModel.VTD_SCALABLE, IommuModel.VIRTIO})
    @DisplayName(TITLE)
    @Proves({"RV1", "RV2", "RV6", "UR1", "UR3", "UR4", "IO2"})
    void accessEnds(Testbed bed, Trigger trigger, IommuModel model) {
        assumeFalse(
                model == IommuModel.VIRTIO && trigger.device().startsWith("ivshmem-two-on-bus"),
                "QEMU's virtio-iommu does not know devices behind a PCIe-to-PCI bridge;"
                        + " vtd shows this trigger");
        check(bed, trigger);
    }

    // Each of these guests has to be booted, so one trigger of each effect has to do.
    @EachTrigger({
        Trigger.COMMAND_MEMORY,
        Trigger.FLR,
        Trigger.HOT_UNPLUG,
        Trigger.HOT_RESET_REFUSED
    })
    @EachIommu(IommuModel.AMD)
    @DisplayName(TITLE)
    @Proves({"RV1", "RV2", "RV6", "UR1", "UR3", "UR4", "IO2"})
    void accessEndsOnAmd(Testbed bed, Trigger trigger) {
        check(bed, trigger);
    }

    private static void check(Testbed bed, Trigger trigger) {
        Exporter exporter = bed.exporter();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow window = DmaWindow.of(bed, exporter, ioas, edu, SOME).map();
        window.assertWorks();
        long invalidations = window.invalidations();
        int mark = window.mark();

        trigger.pull(bed, exporter);

        if (trigger.effect() != Trigger.Effect.NONE) {
            assertThat(window.invalidations())
                    .as("IOTLB invalidations of the window when the call had returned")
                    .isGreaterThan(invalidations);
            window.assertInvalidatedFirst(mark);
        }
        switch (trigger.effect()) {
            case LASTING -> {
                window.assertCutOff();
                trigger.undo(bed, exporter);
                window.assertWorks();
            }
            case TERMINAL -> {
                window.assertCutOff();
                window.unmap();
                assertThat(window.tryMap().errno()).as("mapping it again").isEqualTo("ENODEV");
                assertThat(bed.attachments()).isZero();
            }
            case MOMENTARY, NONE -> window.assertWorks();
        }
    }
}
