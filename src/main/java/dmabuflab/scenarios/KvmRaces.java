// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Exit;
import dmabuflab.guest.Hold;
import dmabuflab.guest.Job;
import dmabuflab.guest.Race;
import dmabuflab.guest.Race.Count;
import dmabuflab.guest.Race.Lane;
import dmabuflab.guest.Race.Step;
import dmabuflab.guest.Vcpu;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Everything KVM does with a buffer, at the same time as its exporter revokes and gives back. */
@Catalogue
@Devices("ivshmem:16M")
class KvmRaces {
    private static final Range SOME = new Range(2 << 20, 64 * Exporter.PAGE);
    private static final Duration TIME = Duration.ofSeconds(3);

    private static final long FIRST = 4 * Exporter.PAGE;

    /** Where a round asks for several pages: a trace that tells of each takes long to read. */
    private static final Duration SHORT = Duration.ofSeconds(1);

    @Test
    @DisplayName("vCPUs fault while the exporter revokes: none reaches the memory in between")
    @Proves({"RV4", "KV2", "KV4"})
    void faultAgainstRevoke(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        Vcpu witness = window.vm().vcpu("witness");
        Step[] toggling = toggling(exporter);

        List<Lane> lanes =
                new Race(bed.agent())
                        .lane(read(window, window.vcpu()))
                        .lane(toggling[0], read(window, witness), toggling[1])
                        .run(TIME);

        Count reads = lanes.get(0).steps().get(0);
        assertThat(reads.failed()).isZero();
        assertThat(reads.exits()).containsOnlyKeys(Exit.COMPLETE, Exit.MEMORY_FAULT);
        assertThat(lanes.get(1).steps().get(1).exits())
                .as("reads when a revoke had returned")
                .containsOnlyKeys(Exit.MEMORY_FAULT);
        window.assertWorks();
        exporter.vfio().memory(false);
        window.assertZapped();
        window.assertCutOff();
    }

    @Test
    @DisplayName("a fault that has its PFN from before a revoke maps nothing after it")
    @Proves({"RV4", "KV2"})
    void faultOvertakenByRevoke(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        window.assertWorks();
        exporter.vfio().memory(false);
        exporter.vfio().memory(true);
        window.assertUnmapped();
        Job write;
        try (Hold answer = Hold.at(bed.agent(), "kvm_dmabuf_get_pfn")) {
            write = window.vcpu().writeAsJob(KvmWindow.GPA + KvmWindow.USED, 7);
            answer.await(bed.limit());

            exporter.vfio().memory(false);

            window.assertUnmapped();
        }

        Exit exit = new Exit(bed.complete(write));
        window.assertUnmapped();
        assertThat(exit.reason()).as("%s", exit).isEqualTo(Exit.MEMORY_FAULT);
        assertThat(exit.done()).isZero();
        window.assertCutOff();
        exporter.vfio().memory(true);
        assertThat(window.vcpu().resume()).matches(Exit::complete);
        window.assertWorks();
    }

    @Test
    @DisplayName("pages are mapped ahead while the exporter revokes: none is mapped in between")
    @Proves({"RV4", "KV2", "KV4"})
    void prefaultAgainstRevoke(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        Vcpu witness = window.vm().vcpu("witness");
        Step[] toggling = toggling(exporter);

        List<Lane> lanes =
                new Race(bed.agent())
                        .lane(prefault(window, window.vcpu()))
                        .lane(
                                toggling[0],
                                read(window, witness),
                                toggling[1],
                                prefault(window, witness))
                        .run(SHORT);

        assertThat(lanes.get(0).steps().get(0).errors().keySet())
                .as("why no page was mapped")
                .isSubsetOf("EFAULT");
        List<Count> steps = lanes.get(1).steps();
        assertThat(steps.get(1).exits())
                .as("reads when a revoke had returned")
                .containsOnlyKeys(Exit.MEMORY_FAULT);
        assertThat(steps.get(3).failed()).as("when access was back").isZero();
        window.assertReaches(KvmWindow.USED);
        exporter.vfio().memory(false);
        window.assertZapped();
    }

    @Test
    @DisplayName("pages mapped ahead with a PFN from before a revoke are not mapped after it")
    @Proves({"RV4", "KV2", "MV3"})
    void prefaultOvertakenByRevoke(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        Job prefault;
        try (Hold answer = Hold.at(bed.agent(), "kvm_dmabuf_get_pfn")) {
            prefault = window.vcpu().prefaultAsJob(KvmWindow.GPA, SOME.length());
            answer.await(bed.limit());

            exporter.vfio().memory(false);

            window.assertUnmapped();
        }

        Answer refused = bed.complete(prefault);
        window.assertUnmapped();
        assertThat(refused.errno()).isEqualTo("EFAULT");
        assertThat(refused.number("left")).isEqualTo(SOME.length());
        window.assertCutOff();
        exporter.vfio().memory(true);
        assertThat(window.vcpu().resume()).matches(Exit::complete);
        window.assertWorks();
    }

    @Test
    @DisplayName("a slot is set and deleted while the exporter revokes and gives back")
    @Proves({"KV3", "RV4", "RV6"})
    void slotAgainstRevoke(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME);

        List<Lane> lanes =
                new Race(bed.agent())
                        .lane(set(window), read(window, window.vcpu()), delete(window))
                        .lane(toggling(exporter))
                        .run(TIME);

        Count set = lanes.get(0).steps().get(0);
        assertThat(set.ok()).as("slots that were set").isPositive();
        assertThat(set.errors().keySet()).as("why slots were refused").isSubsetOf("ENODEV");
        assertToggled(lanes.get(1));
        assertThat(bed.attachments()).isZero();
        window.set().assertWorks();
        exporter.vfio().memory(false);
        window.assertZapped();
    }

    @Test
    @DisplayName("a slot is set and deleted while a vCPU is using it and the exporter revokes")
    @Proves({"KV3", "KV2"})
    void slotAgainstVcpu(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME);

        List<Lane> lanes =
                new Race(bed.agent())
                        .lane(set(window), delete(window))
                        .lane(read(window, window.vcpu()))
                        .lane(toggling(exporter))
                        .run(TIME);

        Count reads = lanes.get(1).steps().get(0);
        assertThat(reads.exits().keySet()).isSubsetOf(Exit.COMPLETE, Exit.MEMORY_FAULT, Exit.MMIO);
        assertThat(reads.exits()).containsKeys(Exit.COMPLETE, Exit.MMIO);
        assertToggled(lanes.get(2));
        assertThat(bed.attachments()).isZero();
        window.set().assertWorks();
    }

    @Test
    @DisplayName("machines come and go while the exporter revokes and gives back")
    @Proves({"KV3", "RV6"})
    void machineAgainstRevoke(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME);
        Map<String, Object> slot = window.slot().arguments(window.vm());
        slot.put("vm", "short");

        List<Lane> lanes =
                new Race(bed.agent())
                        .lane(
                                new Step("kvm.create", Map.of("name", "short")),
                                new Step("kvm.memslot", slot),
                                new Step("handle.close", Map.of("name", "short")))
                        .lane(toggling(exporter))
                        .run(TIME);

        Lane machines = lanes.get(0);
        Count set = machines.steps().get(1);
        assertThat(set.errors().keySet()).as("why slots were refused").isSubsetOf("ENODEV");
        // A kernel with KASAN makes so few machines in that time that all may meet a revoke.
        assertThat(set.ok() + set.failed()).isEqualTo(machines.rounds());
        assertThat(machines.steps().get(2).ok()).isEqualTo(machines.rounds());
        assertToggled(lanes.get(1));
        assertThat(bed.attachments()).isZero();
        window.set().assertWorks();
    }

    private static Step set(KvmWindow window) {
        return new Step("kvm.memslot", window.slot().arguments(window.vm()));
    }

    private static Step delete(KvmWindow window) {
        return new Step("kvm.memslot", window.slot().deleted().arguments(window.vm()));
    }

    private static Step read(KvmWindow window, Vcpu vcpu) {
        return new Step("vcpu.read", vcpu.arguments(window.slot().gpa() + KvmWindow.USED));
    }

    /** Of the first pages, up to {@link KvmWindow#USED}. */
    private static Step prefault(KvmWindow window, Vcpu vcpu) {
        return new Step("vcpu.prefault", vcpu.prefaultArguments(window.slot().gpa(), FIRST));
    }

    private static Step[] toggling(Exporter exporter) {
        return new Step[] {
            new Step("vfio.command", Map.of("dev", exporter.vfio().name(), "memory", 0)),
            new Step("vfio.command", Map.of("dev", exporter.vfio().name(), "memory", 1))
        };
    }

    private static void assertToggled(Lane lane) {
        assertThat(lane.rounds()).isPositive();
        assertThat(lane.steps()).allMatch(step -> step.ok() == lane.rounds());
    }
}
