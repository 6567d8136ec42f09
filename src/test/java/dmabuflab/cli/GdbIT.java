// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.host.Command;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** gdb for guests, on a kernel that has to be there anyway: functions, no lines. */
class GdbIT {
    @Test
    void besideTheShellInTmux() throws Exception {
        try (Tmux tmux = new Tmux(Screen.lab("gdb", "--kernel", "7.3"))) {
            besideTheShell(tmux);
        }
    }

    private static void besideTheShell(Tmux tmux) {
        tmux.until(0, "gdb: in the other pane");
        tmux.untilThereIsAnotherPane();
        tmux.until(1, "(gdb)");
        String scratch = tmux.screen(0).replaceFirst("(?s).*0000:02:00\\.0 +(\\S+)\\s.*", "$1");

        tmux.type(1, "break vfio_pci_core_feature_dma_buf");
        tmux.until(1, "Breakpoint 1 at");
        tmux.type(1, "continue");
        tmux.until(0, "guest:/#");
        tmux.type(0, "clear; labctl pci.bind bdf=0000:02:00.0 driver=vfio-pci");
        tmux.until(0, "vfio-pci\"}");
        tmux.type(0, "clear; labctl vfio.open bdf=0000:02:00.0 name=d");
        tmux.until(0, "devid");
        tmux.type(0, "clear; labctl vfio.command dev=d memory=1");
        tmux.until(0, "after");
        tmux.type(0, "clear; labctl dmabuf.export dev=d bar=2 ranges=0+4096 name=b");
        tmux.until(1, "hit Breakpoint 1");
        tmux.type(1, "backtrace");
        tmux.until(1, "vfio_pci_core_ioctl_feature");
        assertThat(tmux.screen(0)).as("while it stands still").doesNotContain("\"size\"");
        tmux.type(1, "continue");
        tmux.until(0, "\"size\":4096");

        tmux.type(0, "exit");
        tmux.untilItIsOver();
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
