// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.host.Command;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** gdb for guests, on a kernel that has to be there anyway: functions, no lines. */
class GdbIT {
    @TempDir Path sockets;

    private Command tmux(String... words) {
        List<String> all = new ArrayList<>(List.of("tmux", "-f", "/dev/null"));
        all.addAll(List.of(words));
        return Command.of(all).env("TMUX_TMPDIR", sockets.toString()).env("TMUX", null);
    }

    private String screen(int pane) {
        return tmux("capture-pane", "-p", "-t", "lab." + pane).output();
    }

    private void type(int pane, String line) {
        tmux("send-keys", "-t", "lab." + pane, line, "Enter").check();
    }

    private void until(int pane, String text) {
        long end = System.nanoTime() + Screen.LIMIT_SECONDS * 1_000_000_000;
        while (!screen(pane).contains(text)) {
            assertThat(System.nanoTime()).as(screen(pane)).isLessThan(end);
        }
    }

    @Test
    void besideTheShellInTmux() throws Exception {
        String lab = Screen.lab("gdb", "--kernel", "7.3");
        tmux("new-session", "-d", "-s", "lab", "-x", "200", "-y", "40", lab).check();
        until(0, "gdb: in the other pane");
        while (tmux("list-panes", "-t", "lab").output().lines().count() < 2) {
            Thread.onSpinWait();
        }
        until(1, "(gdb)");
        String scratch = screen(0).replaceFirst("(?s).*0000:02:00\\.0 +(\\S+)\\s.*", "$1");

        type(1, "break vfio_pci_core_feature_dma_buf");
        until(1, "Breakpoint 1 at");
        type(1, "continue");
        until(0, "guest:/#");
        type(0, "clear; labctl pci.bind bdf=0000:02:00.0 driver=vfio-pci");
        until(0, "vfio-pci\"}");
        type(0, "clear; labctl vfio.open bdf=0000:02:00.0 name=d");
        until(0, "devid");
        type(0, "clear; labctl vfio.command dev=d memory=1");
        until(0, "after");
        type(0, "clear; labctl dmabuf.export dev=d bar=2 ranges=0+4096 name=b");
        until(1, "hit Breakpoint 1");
        type(1, "backtrace");
        until(1, "vfio_pci_core_ioctl_feature");
        assertThat(screen(0)).as("while it stands still").doesNotContain("\"size\"");
        type(1, "continue");
        until(0, "\"size\":4096");

        type(0, "exit");
        while (tmux("has-session", "-t", "lab").run() == 0) {
            Thread.onSpinWait();
        }
        Screen.assertNothingIsLeft(Path.of(scratch).getParent());
    }

    @Test
    void fromTheFirstInstruction() throws Exception {
        try (Screen screen = new Screen(shell("--at-boot"))) {
            String seen = gdb(screen, "break start_kernel", "continue", "backtrace", "delete");
            assertThat(seen).contains("0x000000000000fff0", "Breakpoint 1", "x86_64_start_kernel");
            screen.until(Screen.PROMPT);
            assertThat(screen.run("uname -r")).contains("7.3.4");
            screen.type("exit\n");
            screen.until("status=0");
        }
    }

    @Test
    void atAStepOfAScenario() throws Exception {
        String[] step = {"--scenario", "PfnQuery.lockedAndUnlockedAgree", "--until", "12"};
        try (Screen screen = new Screen(shell(step))) {
            assertThat(gdb(screen, "print $_siginfo", "info threads")).contains("Thread 1.2");
            screen.until(Screen.PROMPT);
            screen.type("exit\n");
            screen.until("status=0");
        }
    }

    private static String shell(String... words) {
        List<String> all = new ArrayList<>(List.of("--gdb"));
        all.addAll(List.of(words));
        return "unset TMUX; "
                + Screen.lab("shell", all.toArray(String[]::new))
                + "; echo status=$?";
    }

    /** Has a gdb attach as the screen says, do something, and let the guest go on. */
    private static String gdb(Screen screen, String... commands) throws InterruptedException {
        screen.until("in another terminal: gdb -q -x ");
        String file = screen.until("\n").strip();
        List<String> words = new ArrayList<>(List.of("gdb", "-q", "-batch", "-x", file));
        for (String command : commands) {
            words.addAll(List.of("-ex", command));
        }
        words.addAll(List.of("-ex", "detach"));
        return Command.of(words).output();
    }
}
