// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Exit;
import dmabuflab.guest.Job;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.EachTrigger;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.scenario.Trigger;
import dmabuflab.scenario.Trigger.Effect;
import org.junit.jupiter.api.DisplayName;

/** KVM as importer, and each thing that ends access: what vCPUs can do before, then, and after. */
@Catalogue
class KvmTriggers {
    private static final Range SOME = new Range(1 << 16, 64 * Exporter.PAGE);
    private static final int PLACES = 4;
    private static final long MANY = 1000;

    @EachTrigger
    @DisplayName("vCPUs are cut off by each trigger, and go on by themselves if not for ever")
    @Proves({"RV1", "RV2", "RV6", "UR1", "UR3", "UR4", "KV1", "KV2", "KV4"})
    void accessEnds(Testbed bed, Trigger trigger) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        window.assertWorks();

        trigger.pull(bed, exporter);

        if (trigger.effect() != Effect.NONE) {
            window.assertZapped();
        }
        switch (trigger.effect()) {
            case LASTING -> {
                window.assertCutOff();
                trigger.undo(bed, exporter);
                window.assertUnmapped();
                assertThat(window.vcpu().resume())
                        .as("the access that had been refused")
                        .matches(Exit::complete);
                window.assertWorks();
            }
            case TERMINAL -> {
                window.assertCutOff();
                window.delete();
                assertThat(window.trySet().errno()).as("setting it again").isEqualTo("ENODEV");
                assertThat(bed.attachments()).isZero();
            }
            case MOMENTARY, NONE -> window.assertWorks();
        }
    }

    @EachTrigger
    @DisplayName("a vCPU that never leaves the guest writes nothing after the trigger has returned")
    @Proves({"RV2", "UR3", "KV2", "KV4"})
    void hammeringEnds(Testbed bed, Trigger trigger) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        Job hammer = window.vcpu().hammer(KvmWindow.GPA, PLACES, Exporter.PAGE);
        window.vcpu().awaitDone(MANY, bed.limit());

        trigger.pull(bed, exporter);

        long last = last(exporter);
        if (trigger.effect() == Effect.MOMENTARY) {
            // The vCPU may have faulted the pages in again already.
            assertThat(window.nested().flushedBeforeReturn(KvmWindow.GPA, SOME.length()))
                    .contains(true);
        }
        if (trigger.effect() == Effect.LASTING || trigger.effect() == Effect.TERMINAL) {
            window.assertZapped();
            Exit exit = new Exit(bed.complete(hammer));
            assertThat(exit.reason()).as("%s", exit).isEqualTo(Exit.MEMORY_FAULT);
            if (trigger != Trigger.SURPRISE_REMOVAL) {
                // There the memory is gone first, and writes go nowhere until KVM hears of it.
                assertThat(exit.value()).as("the last write that went through").isEqualTo(last);
            }
            assertThat(last(exporter)).as("the last write in memory").isEqualTo(last);
        }
        if (trigger.effect() == Effect.TERMINAL) {
            return;
        }
        if (trigger.effect() == Effect.LASTING) {
            trigger.undo(bed, exporter);
        }
        if (!window.vcpu().running()) {
            // Also after a moment without access, if the vCPU met it.
            hammer = window.vcpu().resumeAsJob();
        }
        window.vcpu().awaitDone(last + MANY, bed.limit());
        window.vcpu().stop();
        Exit end = new Exit(bed.complete(hammer));
        assertThat(end).matches(Exit::complete);
        assertThat(last(exporter)).isEqualTo(end.value());
    }

    /** The largest number that the hammer has left in memory. */
    private static long last(Exporter exporter) {
        long last = 0;
        for (int i = 0; i < PLACES; i++) {
            last = Math.max(last, exporter.memory().readLong(SOME.offset() + i * Exporter.PAGE));
        }
        return last;
    }
}
