// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;

import dmabuflab.cli.Screen;
import dmabuflab.host.Command;
import dmabuflab.report.Outcome;
import dmabuflab.report.ScenarioResult;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a red scenario leaves, opened elsewhere. */
class BundleIT {
    @TempDir Path report;

    /** As if it had been mailed: the same bytes, but nothing of where they come from. */
    @TempDir Path mailed;

    /** For all that a bundle makes: who finds nothing in here has left nothing. */
    @TempDir Path temporary;

    private Path bundle;

    @Catalogue
    @Devices({"edu", "ivshmem:16M", "vga"})
    static class Fails {
        @Test
        void scenario(Testbed bed) {
            fail("as it should");
        }
    }

    @Catalogue
    static class Panics {
        @Test
        void scenario(Testbed bed) {
            bed.agent().call("file.write", Map.of("path", "/proc/sysrq-trigger", "text", "c"));
        }
    }

    @Catalogue
    static class Passes {
        @Test
        @KernelsWordOnly("no claim about memory")
        void scenario(Testbed bed) {
            bed.agent().call("agent.hello", Map.of());
        }
    }

    @BeforeEach
    void mail() throws IOException {
        ScenarioResult result = Runs.run(report, Map.of(), Fails.class).scenarios().get(0);
        assertThat(result.outcome()).isEqualTo(Outcome.FAILED);
        bundle = mailed.resolve("a bundle");
        copy(result.directory(), bundle);
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.walkFileTree(
                from,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult preVisitDirectory(Path each, BasicFileAttributes a)
                            throws IOException {
                        Files.createDirectory(to.resolve(from.relativize(each)));
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFile(Path each, BasicFileAttributes a)
                            throws IOException {
                        Files.copy(each, to.resolve(from.relativize(each)));
                        return FileVisitResult.CONTINUE;
                    }
                });
    }

    private String repro() {
        return "TMPDIR=" + temporary + " sh '" + bundle.resolve("repro.sh") + "'";
    }

    private static void assertHasTheGuest(Screen screen) throws Exception {
        assertThat(screen.run("labctl pci.list"))
                .contains("\"ok\":true", "\"vendor\":4660,\"device\":4584") // edu
                .contains("\"vendor\":6900,\"device\":4368"); // ivshmem
        assertThat(screen.run("cat /sys/bus/pci/devices/*/class")).contains("0x030000");
        assertThat(screen.run("stty size")).contains("33 101");
        screen.type("labctl vfio.op\t");
        screen.until("vfio.open ");
        screen.type("\003");
        screen.until(Screen.PROMPT);
    }

    @Test
    void aPromptWithQemuAlone() throws Exception {
        try (Screen screen = new Screen("PATH=/usr/bin:/bin " + repro() + "; echo status=$?")) {
            assertThat(screen.until(Screen.PROMPT))
                    .contains("Fails.scenario failed: kernel 7.", "edu, ivshmem:16M, vga");
            assertHasTheGuest(screen);
            screen.type("exit\n");
            screen.until("status=0");
        }
        assertThat(temporary).isEmptyDirectory();
    }

    @Test
    void aPromptWithTheLabOfAnotherHome() throws Exception {
        String shell = Screen.lab("shell", "--bundle", bundle.toString());
        String elsewhere = "HOME=" + mailed + " DMABUF_LAB_CACHE=" + mailed + "/cache ";
        try (Screen screen = new Screen(elsewhere + shell + "; echo status=$?")) {
            assertThat(screen.until(Screen.PROMPT))
                    .contains("Fails.scenario failed: kernel 7.", "0000:01:00.0", "vga");
            assertHasTheGuest(screen);
            screen.type("exit 5\n");
            screen.until("status=5");
        }
        assertThat(mailed.resolve("cache")).doesNotExist();
    }

    @Test
    void aSignalLeavesNothingBehind() throws Exception {
        try (Screen screen = new Screen("exec env " + repro())) {
            long pid = Long.parseLong(screen.until("\n").replaceFirst("(?s).*pid=(\\d+) .*", "$1"));
            screen.until(Screen.PROMPT);
            ProcessHandle script = ProcessHandle.of(pid).orElseThrow();
            List<ProcessHandle> children = script.descendants().toList();
            assertThat(children).isNotEmpty();
            script.destroy();
            script.onExit().get(Screen.LIMIT_SECONDS, TimeUnit.SECONDS);
            assertThat(children).noneMatch(ProcessHandle::isAlive);
        }
        assertThat(temporary).isEmptyDirectory();
    }

    @Test
    void itTellsWhatItWasMadeOf() throws Exception {
        for (String file :
                List.of(
                        "console.log",
                        "trace.txt",
                        "witnesses.txt",
                        "qemu-command.sh",
                        "guest/config",
                        "guest/vmlinux",
                        "guest/devices.cfg")) {
            assertThat(bundle.resolve(file)).as(file).exists();
        }
        assertThat(bundle.resolve("guest/manifest.json")).content().contains("\"key\"", "0001-");
        assertThat(bundle.resolve("hardware.txt"))
                .content()
                .containsPattern("0000:02:00.0 ivshmem decodes\n    BAR 0 .*\n    BAR 2 ")
                .containsPattern("0000:01:00.0 edu reaches\n    domain \\d+\n")
                .contains("virtual machines reach\n    nothing\n");
        // What is in there has to be usable anywhere.
        for (String file : List.of("repro.sh", "bundle.json", "guest/devices.cfg")) {
            assertThat(bundle.resolve(file)).content().doesNotContain(report.toString(), "/root");
        }
    }

    @Test
    void whatPassedTakesNoSpace() {
        ScenarioResult result =
                Runs.run(report.resolve("passes"), Map.of(), Passes.class).scenarios().get(0);
        assertThat(result.outcome()).isEqualTo(Outcome.PASSED);
        assertThat(result.directory().resolve("guest")).doesNotExist();
    }

    @Test
    void itsMemoryIsForGdbWhereThatWasAskedFor() {
        assertThat(bundle.resolve("memory.elf")).doesNotExist();

        ScenarioResult result = dumped(Fails.class);
        assertThat(result.outcome()).as(result.message()).isEqualTo(Outcome.FAILED);
        assertThat(gdb(result, "info threads")).contains("LWP 1", "LWP 2");
        assertThat(gdb(result, "x/s &linux_banner")).contains("Linux version 7.3.4");
    }

    @Test
    void soIsTheMemoryOfAKernelThatPanicked() {
        ScenarioResult result = dumped(Panics.class);
        assertThat(result.outcome()).as(result.message()).isEqualTo(Outcome.CRASHED);
        assertThat(result.message()).contains("sysrq triggered crash");
        assertThat(gdb(result, "thread apply all backtrace"))
                .contains("Thread 2", "emergency_restart");
        assertThat(result.directory().resolve("hardware.txt")).isNotEmptyFile();
    }

    private ScenarioResult dumped(Class<?> scenarios) {
        return Runs.run(report.resolve("dumped"), Map.of("dmabuflab.dump", "true"), scenarios)
                .scenarios()
                .get(0);
    }

    private static String gdb(ScenarioResult result, String command) {
        return Command.of("gdb", "-batch", "-x", "memory.gdb", "-ex", command)
                .in(result.directory())
                .output();
    }
}
