// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** `lab shell` as people use it: in a terminal, which script(1) makes, and in a pipe. */
class ShellCommandIT {
    private static final String CTRL_C = "\003";
    private static final String CTRL_D = "\004";
    private static final String CTRL_CLOSING_BRACKET = "\035";

    @TempDir Path directory;

    private static String shell(String... words) {
        return Screen.lab("shell", words);
    }

    /** The directory of a guest's sockets, from what the shell says about the file behind a BAR. */
    private static Path scratch(String greeting) {
        String file = greeting.replaceFirst("(?s).*0000:02:00\\.0 +(\\S+)\\s.*", "$1");
        return Path.of(file).getParent();
    }

    /** What `stty -a` says that the terminal does for who comes next. */
    private static List<String> modes(Screen screen) throws InterruptedException {
        return List.of(screen.until("extproc").split("\\s+"));
    }

    @Test
    void aSession() throws Exception {
        try (Screen screen = new Screen(shell() + "; echo status=$?; stty -a")) {
            String tty = screen.until("\n").replaceFirst("(?s).*tty=(\\S+).*", "$1");
            String greeting = screen.until(Screen.PROMPT);
            assertThat(greeting).contains("edu", "ivshmem:16M", "\033[1;36m");

            assertThat(screen.run("stty size; echo $TERM $TERMINFO"))
                    .contains("33 101", "xterm-256color", "/tmp/terminfo");
            assertThat(
                            Screen.builder("stty", "-F", tty, "rows", "40", "cols", "120")
                                    .start()
                                    .waitFor())
                    .isZero();
            screen.run("until [ \"$(stty size)\" = '40 120' ]; do :; done");

            // Before it has said so, the terminal may still be bash's, which echoes by itself.
            screen.type("echo ready; cat\n");
            screen.until("ready\r\n");
            screen.type("here\n");
            screen.until("here\r\nhere"); // by the terminal's echo and by cat
            screen.type(CTRL_C);
            screen.until(Screen.PROMPT);
            assertThat(screen.run("echo status $?")).contains("status 130");

            screen.type("labctl vfio.op\t");
            screen.until("vfio.open ");
            screen.type("bdf=0000:01\t");
            screen.until("bdf=0000:01:00.0 ");
            screen.type(CTRL_C);
            screen.until(Screen.PROMPT);
            assertThat(screen.run("labctl help vfio.open")).contains("Opens the vfio cdev");
            assertThat(screen.run("labctl pci.bind bdf=0000:02:00.0 driver=vfio-pci"))
                    .contains("\"ok\":true");
            assertThat(screen.run("dmesg | grep -c 'Linux version'")).contains("1");
            assertThat(screen.run("ls /sys/kernel/tracing /sys/kernel/debug"))
                    .contains("kprobe_events", "dma_buf");

            screen.run("(exit 5)");
            screen.type(CTRL_D);
            screen.until("status=5");
            assertThat(modes(screen)).contains("icanon", "isig", "echo", "opost");
            assertThat(screen.status()).isZero();
            Screen.assertNothingIsLeft(scratch(greeting));
        }
    }

    @Test
    void aGuestThatDoesNotListenCanBeLeft() throws Exception {
        try (Screen screen = new Screen(shell() + "; echo status=$?; stty -a")) {
            Path scratch = scratch(screen.until(Screen.PROMPT));
            screen.type("trap '' INT; echo be''gun; while :; do :; done\n");
            screen.until("begun");
            screen.type(CTRL_C + CTRL_CLOSING_BRACKET);
            screen.until("status=0");
            assertThat(modes(screen)).contains("icanon", "isig", "echo", "opost");
            Screen.assertNothingIsLeft(scratch);
        }
    }

    @Test
    void aGuestThatEndsShowsItsLastWords() throws Exception {
        try (Screen screen = new Screen(shell() + "; echo status=$?; stty -a")) {
            Path scratch = scratch(screen.until(Screen.PROMPT));
            screen.type("echo c >/proc/sysrq-trigger\n");
            assertThat(screen.until("status=3"))
                    .contains("lab: the guest has ended", "sysrq_handle_crash");
            assertThat(modes(screen)).contains("icanon", "isig", "echo", "opost");
            Screen.assertNothingIsLeft(scratch);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "HUP"})
    void aSignalLeavesNothingBehind(String signal) throws Exception {
        try (Screen screen = new Screen("exec " + shell())) {
            long pid = Long.parseLong(screen.until("\n").replaceFirst("(?s).*pid=(\\d+) .*", "$1"));
            Path scratch = scratch(screen.until(Screen.PROMPT));
            ProcessHandle lab = ProcessHandle.of(pid).orElseThrow();
            if (signal.equals("HUP")) {
                screen.close(); // and with it the terminal
            } else {
                lab.destroy();
            }
            lab.onExit().get(Screen.LIMIT_SECONDS, TimeUnit.SECONDS);
            Screen.assertNothingIsLeft(scratch);
        }
    }

    private record Ended(int status, String out, String errors) {}

    private Ended pipe(String script, String... words) throws Exception {
        Path in = Files.writeString(directory.resolve("script"), script);
        Path out = directory.resolve("out");
        Path errors = directory.resolve("errors");
        Process process =
                Screen.builder("sh", "-c", "exec " + shell(words))
                        .redirectInput(in.toFile())
                        .redirectOutput(out.toFile())
                        .redirectError(errors.toFile())
                        .start();
        assertThat(process.waitFor(Screen.LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
        return new Ended(process.exitValue(), Files.readString(out), Files.readString(errors));
    }

    @Test
    void whatIsPipedInIsAScript() throws Exception {
        Ended ended = pipe("seq 100000; echo no >&2; [[ -t 1 ]] || exit 7", "--devices", "");

        assertThat(ended.errors()).isEqualTo("no\n");
        assertThat(ended.out()).hasLineCount(100_000).endsWith("\n100000\n");
        assertThat(ended.status()).isEqualTo(7);
    }

    @Test
    void theLastCommandDecides() throws Exception {
        assertThat(pipe("true; kill -SEGV $$", "--devices", "edu").status()).isEqualTo(128 + 11);
        assertThat(pipe("", "--devices", "edu")).isEqualTo(new Ended(0, "", ""));
    }

    @Test
    void aDirectoryIsSharedBothWays() throws Exception {
        Path share = Files.createDirectory(directory.resolve("share"));
        Files.createDirectory(share.resolve("sub dir"));
        Files.write(share.resolve("sub dir/bytes"), new byte[] {0, -1, 10, 13});
        Files.writeString(share.resolve("changed"), "host\n");
        Files.writeString(share.resolve("kept"), "host\n");

        Ended ended =
                pipe(
                        "cd /share && od -An -tx1 'sub dir/bytes' && echo guest >>changed"
                                + " && mkdir new && cp 'sub dir/bytes' 'new/a copy' && rm kept",
                        "--share",
                        share.toString());

        assertThat(ended.errors()).isEmpty();
        assertThat(ended.status()).isZero();
        assertThat(ended.out()).isEqualTo(" 00 ff 0a 0d\n");
        assertThat(share.resolve("changed")).hasContent("host\nguest");
        assertThat(share.resolve("kept")).hasContent("host");
        assertThat(share.resolve("new/a copy")).hasBinaryContent(new byte[] {0, -1, 10, 13});
    }
}
