// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandTest {

    @TempDir Path directory;

    @Test
    void givesStdoutAlone() {
        assertThat(Command.of("sh", "-c", "echo out; echo err >&2; echo more").output())
                .isEqualTo("out\nmore");
    }

    @Test
    void givesTheExitValue() {
        assertThat(Command.of("sh", "-c", "exit 7").run()).isEqualTo(7);
        assertThat(Command.of("sh", "-c", "kill -9 $$").run()).isEqualTo(128 + 9);
    }

    @Test
    void saysWhatFailedAndHow() {
        Path log = directory.resolve("log");
        assertThatThrownBy(
                        () ->
                                Command.of("sh", "-c", "echo some reason >&2; exit 3")
                                        .log(log)
                                        .check())
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("`sh -c 'echo some reason >&2; exit 3'` failed")
                .hasMessageContaining("exit status 3")
                .hasMessageContaining("    some reason")
                .hasMessageContaining(log.toString());
    }

    @Test
    void saysThatAProgramIsMissing() {
        assertThatThrownBy(() -> Command.of("no-such-program", "x").run())
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("there is no program no-such-program in PATH");
        assertThatThrownBy(() -> Command.of("/no/such/program").start())
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("there is no program /no/such/program");
    }

    @Test
    void passesStdinEnvironmentAndDirectory() {
        String seen =
                Command.of("sh", "-c", "cat; echo $GREETING-${HOME-none}; pwd")
                        .input("typed\n".getBytes(StandardCharsets.UTF_8))
                        .env("GREETING", "hello")
                        .env("HOME", null)
                        .in(directory)
                        .output();
        assertThat(seen).isEqualTo("typed\nhello-none\n" + directory);
    }

    @Test
    void hasAnEmptyStdinOtherwise() {
        assertThat(Command.of("cat").timeout(Duration.ofSeconds(5)).output()).isEmpty();
    }

    @Test
    void appendsToTheLogAndTellsEachLine() throws IOException {
        Path log = directory.resolve("log");
        List<String> lines = new ArrayList<>();
        Command.of("echo", "one").log(log).check();
        Command.of("printf", "two\\nwithout end").log(log).eachLine(lines::add).check();
        assertThat(log).hasContent("one\ntwo\nwithout end");
        assertThat(lines).containsExactly("two", "without end");
    }

    @Test
    void endsAllProcessesAtTheTimeLimit() {
        List<String> pids = new ArrayList<>();
        assertThatThrownBy(
                        () ->
                                Command.of("sh", "-c", "sleep 60 & echo $!; echo $$; wait")
                                        .eachLine(pids::add)
                                        .timeout(Duration.ofMillis(300))
                                        .check())
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("no end within 0.3s");
        assertThat(pids).hasSize(2).allSatisfy(CommandTest::isGone);
    }

    @Test
    void endsTheProcessWhenALineCannotBeTaken() {
        assertThatThrownBy(
                        () ->
                                Command.of("yes")
                                        .eachLine(
                                                line -> {
                                                    throw new IllegalStateException("enough");
                                                })
                                        .check())
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("enough");
    }

    @Test
    void namesAFullDisk() {
        assertThatThrownBy(() -> Command.of("yes").log(Path.of("/dev/full")).check())
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("no space left on the file system of /dev/full")
                .hasMessageContaining("GiB free")
                .hasMessageContaining("DMABUF_LAB_CACHE");
        assertThatThrownBy(
                        () ->
                                Command.of("sh", "-c", "cat /proc/self/stat >/dev/full")
                                        .in(directory)
                                        .check())
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("no space left on the file system of " + directory);
    }

    @Test
    void killsWhatItStarted() throws Exception {
        Command.Running running = Command.of("sleep", "60").start();
        assertThat(ProcessHandle.of(running.pid())).isPresent();
        running.kill();
        assertThat(running.exit().get(5, TimeUnit.SECONDS)).isEqualTo(128 + 9);
        running.kill();
    }

    @Test
    void endsTheProcessOfAnInterruptedThread() throws Exception {
        List<String> pids = new ArrayList<>();
        List<Throwable> thrown = new ArrayList<>();
        Thread[] caller = new Thread[1];
        caller[0] =
                new Thread(
                        () -> {
                            try {
                                Command.of("sh", "-c", "echo $$; exec sleep 60")
                                        .eachLine(
                                                line -> {
                                                    pids.add(line);
                                                    caller[0].interrupt();
                                                })
                                        .run();
                            } catch (InfrastructureException e) {
                                thrown.add(e);
                            }
                        });
        caller[0].start();
        caller[0].join(10_000);
        assertThat(thrown).singleElement().asString().contains("interrupted");
        assertThat(pids).singleElement().satisfies(CommandTest::isGone);
    }

    /** What a JVM started is gone with it, whether it is asked to end or shot. */
    @ParameterizedTest
    @ValueSource(strings = {"start TERM", "start KILL", "run TERM", "run KILL"})
    void leavesNoProcessBehind(String how) throws Exception {
        String[] words = how.split(" ", -1);
        Process jvm =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Parent.class.getName(),
                                words[0])
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try (BufferedReader lines = jvm.inputReader()) {
            String pid = lines.readLine();
            assertThat(ProcessHandle.of(Long.parseLong(pid))).isPresent();
            if (words[1].equals("KILL")) {
                jvm.destroyForcibly();
            } else {
                jvm.destroy();
            }
            isGone(pid);
            assertThat(jvm.waitFor(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    /** A JVM with one child, which prints its own pid. */
    static final class Parent {
        private Parent() {}

        public static void main(String[] args) throws Exception {
            Command child =
                    Command.of("sh", "-c", "echo $$; exec sleep 60").eachLine(System.out::println);
            if (args[0].equals("start")) {
                child.start().exit().get();
            } else {
                child.run();
            }
        }
    }

    private static void isGone(String pid) {
        ProcessHandle.of(Long.parseLong(pid))
                .ifPresent(
                        process ->
                                assertThat(process.onExit())
                                        .as("end of process %s", pid)
                                        .succeedsWithin(Duration.ofSeconds(5)));
    }

    @Test
    void printsAsSomebodyCouldTypeIt() {
        assertThat(Command.of("make", "-C", "/a b", "X=$y", "it's"))
                .hasToString("make -C '/a b' 'X=$y' 'it'\\''s'");
    }

    @Test
    void findsPrograms() {
        assertThat(Command.find("sh")).hasValueSatisfying(path -> Files.isExecutable(path));
        assertThat(Command.find("no-such-program")).isEmpty();
    }

    @Test
    void aSandboxShowsWhatItIsGivenAndNothingElseOfHomes() throws IOException {
        Assumptions.assumeTrue(Sandbox.obstacle().isEmpty(), Sandbox.obstacle());
        Path own = Files.createDirectory(directory.resolve("own"));
        Path given = Files.createDirectory(directory.resolve("given"));
        Files.writeString(given.resolve("file"), "given");
        Files.writeString(directory.resolve("secret"), "secret");
        Sandbox sandbox = new Sandbox(List.of(given), List.of(own));
        String script =
                "cat given/file; cat secret; echo x >own/out; echo x >given/out; cat /proc/net/dev";
        StringBuilder said = new StringBuilder();
        int unused =
                Command.of("sh", "-c", script)
                        .in(directory)
                        .in(sandbox)
                        .eachLine(line -> said.append(line).append('\n'))
                        .run();
        assertThat(said)
                .contains("given", "No such file", "Read-only", "lo:")
                .doesNotContain("eth0");
        assertThat(own.resolve("out")).hasContent("x");
        assertThat(given.resolve("out")).doesNotExist();
    }
}
