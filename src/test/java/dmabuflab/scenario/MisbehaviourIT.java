// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.report.Outcome;
import dmabuflab.report.RunResult;
import dmabuflab.report.ScenarioResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of scenarios whose guest is killed, crashes, hangs or is not asked enough. */
class MisbehaviourIT {
    /** Short, because some of these guests never answer. */
    private static final Map<String, String> IMPATIENT = Map.of("dmabuflab.timeout-scale", "0.25");

    @TempDir Path report;

    @Catalogue
    static class QemuIsKilled {
        @Test
        @KernelsWordOnly("no claim about memory")
        void scenario(Testbed bed) {
            ProcessHandle.of(bed.guest().pid()).orElseThrow().destroyForcibly();
            bed.agent().call("agent.hello", Map.of());
        }
    }

    @Catalogue
    static class KernelPanics {
        @Test
        @KernelsWordOnly("no claim about memory")
        void scenario(Testbed bed) {
            bed.agent().call("file.write", Map.of("path", "/proc/sysrq-trigger", "text", "c"));
        }
    }

    @Catalogue
    static class KernelCrashesInTheSeries {
        @Test
        @KernelsWordOnly("no claim about memory")
        void scenario(Testbed bed) {
            for (String line :
                    List.of(
                            "BUG: kernel NULL pointer dereference, address: 0000000000000008",
                            "RIP: 0010:rxe_pfn_find+0x70/0xe0")) {
                bed.agent().call("file.write", Map.of("path", "/dev/kmsg", "text", "<1>" + line));
            }
        }
    }

    @Catalogue
    static class KernelWarnsWhileEveryAssertionHolds {
        @Test
        @KernelsWordOnly("no claim about memory")
        void scenario(Testbed bed) {
            bed.agent()
                    .call(
                            "file.write",
                            Map.of(
                                    "path",
                                    "/dev/kmsg",
                                    "text",
                                    "<4>WARNING: possible recursive locking detected\n"));
        }
    }

    @Catalogue
    static class KernelWarnsWhereNobodyLooks {
        @Test
        @KernelsWordOnly("no claim about memory")
        void scenario(Testbed bed) {
            String warned = Long.toString(1 << 9);
            bed.agent()
                    .call("file.write", Map.of("path", "/proc/sys/kernel/tainted", "text", warned));
        }
    }

    @Catalogue
    static class GuestStops {
        @Test
        @KernelsWordOnly("no claim about memory")
        void scenario(Testbed bed) {
            bed.guest().qmp().execute("stop");
            bed.agent().call("agent.hello", Map.of());
        }
    }

    @Catalogue
    @Devices("ivshmem:16M")
    static class OneWitnessOnly {
        @Test
        void scenario(Testbed bed) {
            bed.importer(bed.exporter().exportAll()).query(0);
        }
    }

    @Catalogue
    @Devices("no-such-device")
    static class UnknownDevice {
        @Test
        void scenario(Testbed bed) {
            throw new AssertionError("has no device to run with");
        }
    }

    @Catalogue
    static class ColdBoot {
        @Test
        @KernelsWordOnly("no claim about memory")
        void scenario(Testbed bed) {
            bed.agent().call("agent.hello", Map.of());
        }
    }

    private ScenarioResult run(Class<?> scenarios, Map<String, String> parameters) {
        RunResult run = Runs.run(report, parameters, scenarios);
        assertThat(run.scenarios()).hasSize(1);
        return run.scenarios().get(0);
    }

    @Test
    void aKilledQemuSaysNothingAboutTheKernel() {
        ScenarioResult result = run(QemuIsKilled.class, IMPATIENT);

        assertThat(result.outcome()).isEqualTo(Outcome.INFRASTRUCTURE);
        assertThat(result.message()).contains("lost the guest");
    }

    @Test
    void aPanicIsACrashWithTheFunctionNamed() {
        ScenarioResult result = run(KernelPanics.class, IMPATIENT);

        assertThat(result.outcome()).isEqualTo(Outcome.CRASHED);
        assertThat(result.message())
                .contains("sysrq_handle_crash+0x")
                .contains("in a sysrq.c", "CONFIG_DEBUG_INFO");
    }

    @Test
    void aCrashNamesThePatchThatItIsIn() {
        ScenarioResult result = run(KernelCrashesInTheSeries.class, IMPATIENT);

        assertThat(result.outcome()).isEqualTo(Outcome.CRASHED);
        assertThat(result.message())
                .contains("in drivers/infiniband/sw/rxe/rxe_pfn.c", "last changed by \"RDMA/rxe: ");
    }

    @Test
    void aWarningIsACrashEvenIfTheScenarioHeld() {
        ScenarioResult result = run(KernelWarnsWhileEveryAssertionHolds.class, IMPATIENT);

        assertThat(result.outcome()).isEqualTo(Outcome.CRASHED);
        assertThat(result.message()).contains("recursive locking");
        assertThat(result.directory().resolve("hardware.txt")).isNotEmptyFile();
    }

    @Test
    void aWarningIsACrashEvenIfItsReportIsOverlooked() {
        ScenarioResult result = run(KernelWarnsWhereNobodyLooks.class, IMPATIENT);

        assertThat(result.outcome()).isEqualTo(Outcome.CRASHED);
        assertThat(result.message()).contains("tainted by a warning");
    }

    @Test
    void aSilentGuestIsHung() {
        ScenarioResult result = run(GuestStops.class, IMPATIENT);

        assertThat(result.outcome()).isEqualTo(Outcome.HUNG);
        assertThat(result.directory().resolve("hardware.txt")).isNotEmptyFile();
    }

    @Test
    void oneWitnessIsNotEnough() {
        ScenarioResult result = run(OneWitnessOnly.class, Map.of());

        assertThat(result.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(result.message()).contains("witnesses heard");
        assertThat(result.directory().resolve("hardware.txt"))
                .content()
                .containsPattern("ivshmem decodes\n    BAR 0 ");
    }

    @Test
    void aDeviceNobodyDescribedIsNamed() {
        ScenarioResult result = run(UnknownDevice.class, Map.of());

        assertThat(result.outcome()).isEqualTo(Outcome.INFRASTRUCTURE);
        assertThat(result.message()).contains("no-such-device.cfg");
    }

    @Test
    void aColdBootedGuestGivesTheSameVerdict() {
        ScenarioResult result = run(ColdBoot.class, Map.of("dmabuflab.cold", "true"));

        assertThat(result.outcome()).isEqualTo(Outcome.PASSED);
        assertThat(result.boot()).isEqualTo("cold boot");
    }

    @Test
    void everyScenarioLeavesItsLogs() throws Exception {
        ScenarioResult result = run(KernelPanics.class, IMPATIENT);

        for (String log : List.of("console.log", "agent.log", "qemu-command.sh", "qemu.log")) {
            assertThat(Files.size(result.directory().resolve(log))).as(log).isPositive();
        }
    }
}
