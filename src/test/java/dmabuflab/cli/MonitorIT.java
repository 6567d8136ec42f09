// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.host.Command;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A guest's hardware, beside its shell and in another terminal. */
class MonitorIT {
    private static final String EDU = "0000:01:00.0";
    private static final String IVSHMEM = "0000:02:00.0";
    private static final String MAPPING = " 0x200000-0x203fff -> 0x\\w+-0x\\w+  rw";

    @TempDir Path sockets;

    /** After a failure there is something to end. */
    @AfterEach
    void endTmux() {
        tmux("kill-server").run();
    }

    private Command tmux(String... words) {
        List<String> all = new ArrayList<>(List.of("tmux", "-f", "/dev/null"));
        all.addAll(List.of(words));
        return Command.of(all).env("TMUX_TMPDIR", sockets.toString()).env("TMUX", null);
    }

    private String screen(int pane) {
        return tmux("capture-pane", "-p", "-t", "lab." + pane).output();
    }

    private void until(int pane, String pattern) {
        long end = System.nanoTime() + Screen.LIMIT_SECONDS * 1_000_000_000;
        while (!Pattern.compile(pattern).matcher(screen(pane)).find()) {
            assertThat(System.nanoTime()).as(screen(pane)).isLessThan(end);
        }
    }

    private void labctl(String words) {
        String line = "clear; labctl " + words + "; echo =$?";
        tmux("send-keys", "-t", "lab.0", line, "Enter").check();
        until(0, "(?m)^=0$");
    }

    @ParameterizedTest
    @ValueSource(strings = {"vtd", "virtio-iommu"})
    void besideTheShellInTmux(String iommu) throws Exception {
        String lab = Screen.lab("monitor", "--kernel", "7.3", "--iommu", iommu);
        tmux("new-session", "-d", "-s", "lab", "-x", "200", "-y", "45", lab).check();
        until(0, "guest:/#");
        while (tmux("list-panes", "-t", "lab").output().lines().count() < 2) {
            Thread.onSpinWait();
        }
        until(1, IVSHMEM + " ivshmem decodes");
        String scratch = screen(0).replaceFirst("(?s).*0000:02:00\\.0 +(\\S+)\\s.*", "$1");

        for (String bdf : List.of(EDU, IVSHMEM)) {
            labctl("pci.bind bdf=" + bdf + " driver=vfio-pci");
        }
        labctl("vfio.open bdf=" + IVSHMEM + " name=d");
        labctl("vfio.open bdf=" + EDU + " name=e");
        labctl("vfio.command dev=d memory=1");
        labctl("vfio.command dev=e memory=1 master=1");
        until(1, IVSHMEM + " ivshmem decodes.*\\s.*BAR 0 .*\\s.* BAR 2 ");
        labctl("dmabuf.export dev=d bar=2 ranges=0+16384 name=b");
        labctl("ioas.alloc name=i");
        labctl("vfio.attach dev=e pt=i");
        labctl("ioas.map ioas=i dmabuf=b iova=2097152 start=0 length=16384");
        until(1, EDU + " edu reaches, changed by [^+]*\\+" + MAPPING);
        until(1, "QEMU's trace\\n +[0-9:.]+ \\w+_");

        labctl("vfio.command dev=d memory=0");
        until(1, EDU + " edu reaches, changed by [^+]*-" + MAPPING);
        until(1, IVSHMEM + " ivshmem decodes, changed by [0-9:.]+\\s+- BAR 0[^\\n]*\\s+- BAR 2 ");

        until(1, "requests refused by QEMU\\n +none");
        labctl("edu.dma dev=e direction=to_device iova=2097152 offset=0 length=4");
        until(
                1,
                "requests refused by QEMU, changed by .*\\n +~ 1, the last .* 01:00\\.0 read 0x200000");

        tmux("send-keys", "-t", "lab.0", "exit", "Enter").check();
        while (tmux("has-session", "-t", "lab").run() == 0) {
            Thread.onSpinWait();
        }
        Screen.assertNothingIsLeft(Path.of(scratch).getParent());
    }

    @Test
    void inAnotherTerminalAtAStepOfAScenario() throws Exception {
        String lab =
                Screen.lab(
                        "shell",
                        "--monitor",
                        "--scenario",
                        "IommufdImport.revokeByCommand[vtd]",
                        "--until",
                        "15");
        try (Screen screen = new Screen("unset TMUX; " + lab + "; echo status=$?")) {
            screen.until("in another terminal: bash ");
            Path script = Path.of(screen.until("\n").strip());
            screen.until(Screen.PROMPT);
            Path view = script.resolveSibling("view");
            assertThat(Files.readString(view)).contains(" ivshmem decodes", "QEMU's trace");
            try (Screen other = new Screen("bash " + script + "; echo status=$?")) {
                other.until(" ivshmem decodes");
                while (!Files.readString(script.resolveSibling("size")).equals("33 101\n")) {
                    Thread.onSpinWait();
                }
                assertThat(screen.run("labctl vfio.command dev=ivshmem0 memory=0"))
                        .contains("after");
                other.until("- BAR 2 ");
                screen.type("exit\n");
                screen.until("status=0");
                other.until("status=0");
            }
            Screen.assertNothingIsLeft(script.getParent().getParent());
        }
    }

    @Test
    void aBundleDoesNotTellItsIommu() throws Exception {
        try (Screen screen = new Screen(Screen.lab("monitor", "--bundle", "/nowhere"))) {
            screen.until("--monitor needs to know the IOMMU");
            assertThat(screen.status()).isEqualTo(2);
        }
    }
}
