// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Fault;
import dmabuflab.guest.Job;
import dmabuflab.guest.VfioDevice;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * What ends access to a buffer of vfio-pci, for a time or for ever, and what only looks as if it
 * did: rule RV1 as a list. An importer's scenarios run over all of them with {@link EachTrigger}.
 */
@SuppressWarnings("ImmutableEnumChecker") // what it does are functions without state
public enum Trigger {
    COMMAND_MEMORY("ivshmem:1M", Effect.LASTING, Trigger::clearMemory, Trigger::setMemory),
    COMMAND_MEMORY_OF_NVME("nvme:1M", Effect.LASTING, Trigger::clearMemory, Trigger::setMemory),
    DEVICE_RESET("ivshmem:1M", Effect.MOMENTARY, (bed, exporter) -> exporter.vfio().reset()),
    FLR("nvme:1M", Effect.MOMENTARY, (bed, exporter) -> flr(exporter)),
    HOT_RESET("ivshmem:1M", Effect.MOMENTARY, (bed, exporter) -> exporter.vfio().hotReset()),
    HOT_RESET_OF_TWO_OPEN(
            "ivshmem-two-on-bus:1M",
            Effect.MOMENTARY,
            (bed, exporter) -> {
                VfioDevice.open(bed.agent(), exporter.sibling(), "sibling");
                exporter.vfio().hotReset();
            }),
    HOT_RESET_OF_TWO_ONE_CLOSED(
            "ivshmem-two-on-bus:1M",
            Effect.MOMENTARY,
            (bed, exporter) -> {
                bindSibling(bed, exporter);
                exporter.vfio().hotReset();
            }),
    D3HOT(
            "nvme:1M",
            Effect.LASTING,
            (bed, exporter) -> power(exporter, 3),
            (bed, exporter) -> power(exporter, 0)),
    LOW_POWER(
            "nvme:1M",
            Effect.LASTING,
            (bed, exporter) -> {
                lowPower(exporter, true);
                awaitSuspended(bed, exporter);
            },
            (bed, exporter) -> lowPower(exporter, false)),
    LOW_POWER_UNTIL_ACCESS(
            "nvme:1M",
            Effect.LASTING,
            (bed, exporter) -> {
                exporter.vfio().lowPowerUntilAccess();
                awaitSuspended(bed, exporter);
            },
            (bed, exporter) -> exporter.vfio().capability(0)),
    CLOSE("ivshmem:1M", Effect.TERMINAL, (bed, exporter) -> exporter.vfio().close()),
    UNBIND("ivshmem:1M", Effect.TERMINAL, Trigger::unbind),
    HOT_UNPLUG("ivshmem:1M", Effect.TERMINAL, Trigger::unplug),
    SURPRISE_REMOVAL("ivshmem:1M", Effect.TERMINAL, Trigger::vanish),
    HOT_RESET_REFUSED("ivshmem-two-functions:1M", Effect.NONE, Trigger::refusedHotReset),
    COMMAND_WRITE_FAILS(
            "ivshmem:1M",
            Effect.NONE,
            (bed, exporter) ->
                    failing(
                            bed,
                            "pci_user_write_config_word",
                            () -> refused(exporter.vfio().tryMemory(false), "EIO"))),
    DEVICE_RESET_FAILS(
            "ivshmem:1M",
            Effect.NONE,
            (bed, exporter) ->
                    failing(
                            bed,
                            "pci_try_reset_function",
                            () -> refused(exporter.vfio().tryReset(), "EIO"))),
    FLR_FAILS(
            "nvme:1M",
            Effect.NONE,
            (bed, exporter) -> failing(bed, "pci_try_reset_function", () -> flr(exporter))),
    HOT_RESET_FAILS(
            "ivshmem:1M",
            Effect.NONE,
            (bed, exporter) ->
                    failing(
                            bed,
                            "pci_reset_bus",
                            () -> refused(exporter.vfio().tryHotReset(), "EIO"))),
    D3HOT_FAILS(
            "nvme:1M",
            Effect.NONE,
            (bed, exporter) -> failing(bed, "pci_set_power_state", () -> power(exporter, 3)));

    /** What a trigger leaves behind when its system call has returned. */
    public enum Effect {
        /** Access has ended until {@link Trigger#undo}. */
        LASTING,
        /** Access had ended, and is back. */
        MOMENTARY,
        /** Access has ended for ever, even when the device comes back. */
        TERMINAL,
        /** It failed, and access is as it was. */
        NONE
    }

    private static final String REQUEST = "request";

    private final String device;
    private final Effect effect;
    private final BiConsumer<Testbed, Exporter> pull;
    private final BiConsumer<Testbed, Exporter> undo;

    Trigger(String device, Effect effect, BiConsumer<Testbed, Exporter> pull) {
        this(device, effect, pull, null);
    }

    Trigger(
            String device,
            Effect effect,
            BiConsumer<Testbed, Exporter> pull,
            BiConsumer<Testbed, Exporter> undo) {
        this.device = device;
        this.effect = effect;
        this.pull = pull;
        this.undo = undo;
    }

    /** The exporter that has it, as {@link Devices} would say. At least 1 MiB of memory. */
    public String device() {
        return device;
    }

    public Effect effect() {
        return effect;
    }

    /**
     * Pulls it; its system call has returned afterwards. Skips the scenario if this QEMU's device
     * has no such trigger.
     */
    public void pull(Testbed bed, Exporter exporter) {
        pull.accept(bed, exporter);
    }

    /** Takes back a {@link Effect#LASTING} one. */
    public void undo(Testbed bed, Exporter exporter) {
        undo.accept(bed, exporter);
    }

    /** As a parameter's name in reports and on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static void clearMemory(Testbed bed, Exporter exporter) {
        exporter.vfio().memory(false);
    }

    private static void setMemory(Testbed bed, Exporter exporter) {
        exporter.vfio().memory(true);
    }

    private static void flr(Exporter exporter) {
        require(exporter.vfio().tryFlr(VfioDevice.Flr.PCIE), "function level reset");
    }

    private static void power(Exporter exporter, int state) {
        require(exporter.vfio().tryPower(state), "power management");
    }

    private static void lowPower(Exporter exporter, boolean enter) {
        require(exporter.vfio().tryLowPower(enter), "low power");
    }

    /** Low power is entered some time after it was allowed. */
    private static void awaitSuspended(Testbed bed, Exporter exporter) {
        String status = "/sys/bus/pci/devices/" + exporter.vfio().bdf() + "/power/runtime_status";
        long limit = System.nanoTime() + bed.limit().toNanos();
        while (!bed.agent()
                .call("file.read", Map.of("path", status))
                .text("text")
                .startsWith("suspended")) {
            if (System.nanoTime() > limit) {
                throw new AssertionError("the device does not suspend, see " + status);
            }
        }
    }

    private static void require(Answer answer, String capability) {
        assumeTrue(
                answer.ok() || !answer.errno().matches("EOPNOTSUPP|ENOTTY"),
                () -> "the device has no " + capability + " in this QEMU: " + answer.error());
        if (!answer.ok()) {
            throw new AssertionError(capability + " was refused: " + answer.error());
        }
    }

    private static void bindSibling(Testbed bed, Exporter exporter) {
        bed.agent().call("pci.bind", Map.of("bdf", exporter.sibling(), "driver", "vfio-pci"));
    }

    private static void refusedHotReset(Testbed bed, Exporter exporter) {
        // Bound, so that the bus can be reset, but in a group that is not ours.
        bindSibling(bed, exporter);
        refused(exporter.vfio().tryHotReset(), "EINVAL");
    }

    private static void refused(Answer answer, String errno) {
        if (!answer.errno().equals(errno)) {
            throw new AssertionError("expected " + errno + ", got " + answer.json());
        }
    }

    /** Has the hardware's share of a trigger fail with EIO. */
    private static void failing(Testbed bed, String function, Runnable trigger) {
        Fault fault = new Fault(bed.agent());
        Answer meant = fault.tryFunction(function, "EIO", 1, 0);
        assumeTrue(
                !meant.errno().equals("ERANGE"),
                () ->
                        "this kernel does not let "
                                + function
                                + "() fail: it takes ALLOW_ERROR_INJECTION, which the series adds");
        if (!meant.ok()) {
            throw new AssertionError("cannot let " + function + "() fail: " + meant.error());
        }
        trigger.run();
        if (fault.clear() != 1) {
            throw new AssertionError(function + " was not called");
        }
    }

    private static void unbind(Testbed bed, Exporter exporter) {
        watch(bed, exporter);
        Job unbind = Job.start(bed.agent(), "pci.unbind", Map.of("bdf", exporter.vfio().bdf()));
        closeOnRequest(bed, exporter);
        finish(bed, unbind);
    }

    private static void unplug(Testbed bed, Exporter exporter) {
        watch(bed, exporter);
        bed.guest().qmp().execute("device_del", Map.of("id", exporter.device().hardware().id()));
        closeOnRequest(bed, exporter);
        bed.pciBus().awaitGone(exporter.vfio().bdf(), bed.limit());
    }

    /** The device stops answering, and only then does the kernel hear that it is gone. */
    private static void vanish(Testbed bed, Exporter exporter) {
        watch(bed, exporter);
        String path = "/machine/peripheral/" + exporter.device().hardware().id();
        bed.guest()
                .qmp()
                .execute("qom-set", Map.of("path", path, "property", "realized", "value", false));
        Job remove = Job.start(bed.agent(), "pci.remove", Map.of("bdf", exporter.vfio().bdf()));
        closeOnRequest(bed, exporter);
        finish(bed, remove);
    }

    private static void watch(Testbed bed, Exporter exporter) {
        bed.agent()
                .call("vfio.request.watch", Map.of("dev", exporter.vfio().name(), "name", REQUEST));
    }

    /** Closes the device when its driver wants to let go, as any user would. */
    private static void closeOnRequest(Testbed bed, Exporter exporter) {
        bed.agent()
                .call(
                        "vfio.request.wait",
                        Map.of("name", REQUEST, "timeout_ms", bed.limit().toMillis()));
        exporter.vfio().close();
    }

    private static void finish(Testbed bed, Job job) {
        Answer answer = bed.complete(job);
        if (!answer.ok()) {
            throw new AssertionError("removal failed: " + answer.error());
        }
    }
}
