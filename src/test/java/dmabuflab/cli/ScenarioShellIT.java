// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** `lab shell --scenario` in a terminal, with scenarios that are in the catalogue of this only. */
class ScenarioShellIT {
    private static final String SCENARIOS =
            """
            package dmabuflab.scenarios;

            import dmabuflab.scenario.*;
            import java.util.Map;
            import org.junit.jupiter.api.Test;

            @Catalogue
            @Devices("ivshmem:16M")
            @KernelsWordOnly("no claim about memory")
            class Shown {
                @Test
                void fails(Testbed bed) {
                    bed.exporter();
                    throw new AssertionError("as it should");
                }

                @Test
                void passes(Testbed bed) {
                    bed.exporter();
                }

                @Test
                void warns(Testbed bed) {
                    String line = "<4>WARNING: possible recursive locking detected\\n";
                    bed.agent().call("file.write", Map.of("path", "/dev/kmsg", "text", line));
                }

                @Test
                void panics(Testbed bed) {
                    String all = "/proc/sysrq-trigger";
                    bed.agent().call("file.write", Map.of("path", all, "text", "c"));
                }
            }
            """;

    @TempDir Path classes;
    @TempDir Path report;

    @BeforeEach
    void compile() throws Exception {
        Path source = Files.writeString(classes.resolve("Shown.java"), SCENARIOS);
        String path =
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"));
        assertThat(
                        ToolProvider.getSystemJavaCompiler()
                                .run(
                                        null,
                                        null,
                                        null,
                                        "-proc:none",
                                        "-cp",
                                        path,
                                        "-d",
                                        classes.toString(),
                                        source.toString()))
                .isZero();
    }

    private Screen shell(String scenario, String... words) throws Exception {
        return new Screen(command(scenario, words) + "; echo status=$?");
    }

    private String command(String scenario, String... words) {
        List<String> all = new ArrayList<>(List.of("--scenario", scenario));
        all.addAll(List.of("--report", report.toString()));
        all.addAll(List.of(words));
        return Screen.labWith(":" + classes, "shell", all.toArray(String[]::new));
    }

    @Test
    void aFailureIsLookedAtWhereItHappened() throws Exception {
        try (Screen screen = shell("Shown.fails", "--on-failure")) {
            assertThat(screen.until(Screen.PROMPT))
                    .contains("failed: as it should", "ivshmem:16M", "0000:01:00.0");
            assertThat(screen.run("labctl handle.list")).contains("ivshmem0");
            // No part of the verdict.
            screen.run("echo '<4>WARNING: possible recursive locking detected' >/dev/kmsg");
            screen.type("exit 7\n");
            assertThat(screen.until("status=1"))
                    .contains("failed\033[0m Shown.fails")
                    .doesNotContain("crashed");
        }
        Path folder = report.resolve("Shown.fails");
        assertThat(folder.resolve("repro.sh")).exists();
        assertThat(folder.resolve("trace.txt")).exists();
        assertThat(folder.resolve("witnesses.txt")).content().doesNotContain("program.attach");
    }

    @Test
    void whatThePassedScenarioWasToldOnTheConsoleIsAFailureToo() throws Exception {
        try (Screen screen = shell("Shown.warns", "--on-failure")) {
            assertThat(screen.until(Screen.PROMPT)).contains("crashed: lockdep report");
            screen.type("exit\n");
            assertThat(screen.until("status=1")).contains("crashed\033[0m Shown.warns");
        }
    }

    @Test
    void withoutAFailureOrAGuestThereIsNoShell() throws Exception {
        try (Screen screen = shell("Shown.passes", "--on-failure")) {
            assertThat(screen.until("status=0"))
                    .contains("no shell, as nothing has failed: Shown.passes passed");
        }
        try (Screen screen = shell("Shown.panics", "--on-failure")) {
            assertThat(screen.until("status=1")).contains("no shell: its guest has ended before");
        }
        try (Screen screen = shell("Shown.passes", "--until", "1000")) {
            assertThat(screen.until("status=0")).contains("ended before operation 1000");
        }
    }

    @Test
    void aStepIsNotDoneYet() throws Exception {
        try (Screen screen = shell("Shown.passes", "--on-failure")) {
            screen.until("status=0");
        }
        Matcher open =
                Pattern.compile("\\{\"id\":(\\d+),\"op\":\"vfio.open\"")
                        .matcher(Files.readString(report.resolve("Shown.passes/agent.log")));
        assertThat(open.find()).isTrue();

        try (Screen screen = shell("Shown.passes", "--until", open.group(1))) {
            assertThat(screen.until(Screen.PROMPT))
                    .contains("before operation " + open.group(1) + ": vfio.open ")
                    .contains("0000:01:00.0");
            assertThat(screen.run("labctl handle.list")).doesNotContain("ivshmem0");
            assertThat(screen.run("labctl vfio.open name=mine bdf=0000:01:00.0"))
                    .contains("\"ok\":true");
            screen.type("exit 5\n");
            screen.until("status=5");
        }
    }

    @Test
    void stepsAreDoneOneByOne() throws Exception {
        Path shared = Files.createDirectory(classes.resolve("shared"));
        String[] words = {"--until", "4", "--share", shared.toString()};
        try (Screen screen = shell("Shown.passes", words)) {
            assertThat(screen.until(Screen.PROMPT)).contains("before operation 4: ", "next: ");
            screen.run("labctl handle.list >/share/handles");
            screen.type("next\n");
            assertThat(screen.until(Screen.PROMPT)).contains("before operation 5: vfio.open ");
            assertThat(shared.resolve("handles")).content().contains("\"ok\":true");
            screen.type("next\n");
            assertThat(screen.until(Screen.PROMPT))
                    .contains("before operation 6: vfio.command ", "kernel answer: vfio.open ")
                    .doesNotContain("handle.list");
            screen.type("exit 6\n");
            screen.until("status=6");
        }
    }

    @Test
    void aScenarioThatWasSteppedThroughHasNoVerdict() throws Exception {
        Path script = Files.writeString(classes.resolve("next"), "exit 100\n");
        String words = command("Shown.passes", "--until", "4");
        try (Screen screen = new Screen(words + " < " + script + "; echo status=$?")) {
            assertThat(screen.until("status=0")).contains("skipped");
        }
    }

    @Test
    void wordsThatDoNotGoTogetherAreRefused() throws Exception {
        try (Screen screen = shell("Shown.fails")) {
            assertThat(screen.until("status=2")).contains("--on-failure or --until STEP");
        }
        try (Screen screen = shell("Shown", "--on-failure")) {
            assertThat(screen.until("status=2")).contains("takes one", "Shown.passes");
        }
    }
}
