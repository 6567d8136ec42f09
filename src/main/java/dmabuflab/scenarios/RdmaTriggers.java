// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Completion;
import dmabuflab.guest.Completion.Status;
import dmabuflab.guest.Hammer;
import dmabuflab.guest.Job;
import dmabuflab.guest.RdmaEndpoint.Access;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.WorkRequest;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.EachTrigger;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.scenario.Trigger;
import dmabuflab.scenario.Trigger.Effect;
import dmabuflab.witness.BarFile;
import java.util.List;
import org.junit.jupiter.api.DisplayName;

/** RDMA as importer, and each thing that ends access: what peers can do before, then, and after. */
@Catalogue
class RdmaTriggers {
    private static final Range SOME = new Range(1 << 16, 64 * Exporter.PAGE);
    private static final int PLACES = 4;
    private static final long MANY = 200;

    @EachTrigger
    @DisplayName("a pinned region is dead for ever after each trigger, and can be deregistered")
    @Proves({"RV1", "RV2", "RV6", "UR4", "RD2", "NG3"})
    void pinnedEnds(Testbed bed, Trigger trigger) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register(RdmaWindow.PINNED);
        window.assertWorks();

        trigger.pull(bed, exporter);

        if (trigger.effect() == Effect.NONE) {
            assertDeadOrAlive(window);
            return;
        }
        window.assertCutOff();
        if (trigger.effect() == Effect.LASTING) {
            assertThat(window.tryRegister().errno()).isEqualTo("ENODEV");
            trigger.undo(bed, exporter);
            window.assertCutOff();
        }
        long key = window.region().rkey();
        if (trigger.effect() == Effect.TERMINAL) {
            assertThat(window.tryRegister().errno()).isEqualTo("ENODEV");
        } else {
            window.region().deregister();
            window.register(RdmaWindow.PINNED).assertWorks();
            assertThat(window.region().rkey()).as("the new region's key").isNotEqualTo(key);
        }
        window.region().deregister();
        assertThat(bed.attachments()).isZero();
    }

    /** What failed may have revoked the memory for a moment, which ends what is pinned. */
    private static void assertDeadOrAlive(RdmaWindow window) {
        Completion write =
                window.from()
                        .post(WorkRequest.write(window.local(), 0, 8).remote(window.region(), 0));
        assertThat(write.status()).isIn(Status.SUCCESS, Status.REMOTE_ACCESS);
        if (!write.success()) {
            window.assertCutOff();
            window.region().deregister();
            window.register(RdmaWindow.PINNED);
        }
        window.assertWorks();
    }

    @EachTrigger
    @DisplayName("a region on demand is cut off by each trigger, and works again afterwards")
    @Proves({"RV1", "RV2", "RV6", "UR1", "UR3", "UR4", "RD3"})
    void onDemandComesBack(Testbed bed, Trigger trigger) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register(RdmaWindow.ON_DEMAND);
        window.assertWorks();

        trigger.pull(bed, exporter);

        switch (trigger.effect()) {
            case LASTING -> {
                window.assertCutOff();
                trigger.undo(bed, exporter);
            }
            case TERMINAL -> {
                window.assertCutOff();
                window.region().deregister();
                assertThat(window.tryRegister(RdmaWindow.ON_DEMAND).errno()).isEqualTo("ENODEV");
                assertThat(bed.attachments()).isZero();
                return;
            }
            case MOMENTARY, NONE -> {}
        }
        window.assertWorks();
        window.region().deregister();
        assertThat(bed.attachments()).isZero();
    }

    @EachTrigger
    @DisplayName("writes in flight of a pinned region end with an error, and none lands afterwards")
    @Proves({"RV2", "RD2"})
    void pinnedTrafficEnds(Testbed bed, Trigger trigger) {
        trafficEnds(bed, trigger, RdmaWindow.PINNED);
    }

    @EachTrigger
    @DisplayName("writes in flight of a region on demand: none lands afterwards, then all goes on")
    @Proves({"RV2", "UR3", "RD3"})
    void onDemandTrafficEnds(Testbed bed, Trigger trigger) {
        trafficEnds(bed, trigger, RdmaWindow.ON_DEMAND);
    }

    private static void trafficEnds(Testbed bed, Trigger trigger, Access... access) {
        Exporter exporter = bed.exporter();
        RdmaWindow window = RdmaWindow.of(bed, exporter, SOME).register(access);
        exporter.memory().fill();
        BarFile.Snapshot before = exporter.memory().snapshot();
        Job job =
                window.from()
                        .hammer(
                                Hammer.write(window.local())
                                        .remote(window.region(), 0)
                                        .places(PLACES, Exporter.PAGE));
        window.from().awaitAcknowledged(MANY, bed.limit());

        trigger.pull(bed, exporter);

        boolean ended = trigger.effect() == Effect.LASTING || trigger.effect() == Effect.TERMINAL;
        BarFile.Snapshot returned = exporter.memory().snapshot();
        long last = ended ? assertOnlyWrites(exporter, before) : 0;
        window.from().stop();
        Hammer.Result result = new Hammer.Result(bed.complete(job));
        if (ended) {
            assertThat(result.status()).isEqualTo(Status.REMOTE_ACCESS);
            assertThat(exporter.memory().changedRanges(returned))
                    .as("memory that changed after the trigger had returned")
                    .isEmpty();
            assertThat(last).as("the last write in memory").isLessThanOrEqualTo(result.posted());
            if (trigger != Trigger.SURPRISE_REMOVAL) {
                // There the memory is gone first, and writes go nowhere until rxe hears of it.
                assertThat(last).isGreaterThanOrEqualTo(result.acknowledged());
            }
        } else {
            assertThat(result.status()).isIn(Status.SUCCESS, Status.REMOTE_ACCESS);
        }
        if (trigger.effect() != Effect.TERMINAL) {
            if (trigger.effect() == Effect.LASTING) {
                trigger.undo(bed, exporter);
            }
            goOn(window, access);
        }
    }

    /** With the same region where it may come back, else with a new one. */
    private static void goOn(RdmaWindow window, Access... access) {
        window.reconnect();
        if (!List.of(access).contains(Access.ON_DEMAND)) {
            window.region().deregister();
            window.register(access);
        }
        window.assertWorks();
    }

    /**
     * Each place has the last of its writes, and nothing else has changed.
     *
     * @return the number of the last one
     */
    private static long assertOnlyWrites(Exporter exporter, BarFile.Snapshot before) {
        long last = 0;
        for (int i = 0; i < PLACES; i++) {
            last = Math.max(last, exporter.memory().readLong(place(i)));
        }
        for (int i = 0; i < PLACES; i++) {
            long number = exporter.memory().readLong(place(i));
            assertThat(number % PLACES)
                    .as("whose write is at place %d", i)
                    .isEqualTo((i + 1) % PLACES);
            assertThat(number).as("at place %d", i).isGreaterThan(last - PLACES);
        }
        assertThat(exporter.memory().changedRanges(before))
                .as("all that has changed")
                .containsExactly(
                        new BarFile.Range(place(0), 8),
                        new BarFile.Range(place(1), 8),
                        new BarFile.Range(place(2), 8),
                        new BarFile.Range(place(3), 8));
        return last;
    }

    private static long place(int i) {
        return SOME.offset() + i * Exporter.PAGE;
    }
}
