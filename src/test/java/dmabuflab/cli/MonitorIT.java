// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A guest's hardware, beside its shell and in another terminal. */
class MonitorIT {
    private static final String EDU = "0000:01:00.0";
    private static final String IVSHMEM = "0000:02:00.0";
    private static final String MAPPING = " 0x200000-0x203fff -> 0x\\w+-0x\\w+  rw";

    private static void labctl(Tmux tmux, String words) {
        tmux.type(0, "clear; labctl " + words + "; echo =$?");
        tmux.until(0, Pattern.compile("(?m)^=0$"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"vtd", "virtio-iommu"})
    void besideTheShellInTmux(String iommu) throws Exception {
        String lab = Screen.lab("monitor", "--kernel", "7.3", "--iommu", iommu);
        try (Tmux tmux = new Tmux(lab)) {
            besideTheShell(tmux);
        }
    }

    private static void besideTheShell(Tmux tmux) {
        tmux.until(0, "guest:/#");
        tmux.untilThereIsAnotherPane();
        tmux.until(1, Pattern.compile(IVSHMEM + " ivshmem decodes"));
        String scratch = tmux.screen(0).replaceFirst("(?s).*0000:02:00\\.0 +(\\S+)\\s.*", "$1");

        for (String bdf : List.of(EDU, IVSHMEM)) {
            labctl(tmux, "pci.bind bdf=" + bdf + " driver=vfio-pci");
        }
        labctl(tmux, "vfio.open bdf=" + IVSHMEM + " name=d");
        labctl(tmux, "vfio.open bdf=" + EDU + " name=e");
        labctl(tmux, "vfio.command dev=d memory=1");
        labctl(tmux, "vfio.command dev=e memory=1 master=1");
        tmux.until(1, Pattern.compile(IVSHMEM + " ivshmem decodes.*\\s.*BAR 0 .*\\s.* BAR 2 "));
        labctl(tmux, "dmabuf.export dev=d bar=2 ranges=0+16384 name=b");
        labctl(tmux, "ioas.alloc name=i");
        labctl(tmux, "vfio.attach dev=e pt=i");
        labctl(tmux, "ioas.map ioas=i dmabuf=b iova=2097152 start=0 length=16384");
        tmux.until(1, Pattern.compile(EDU + " edu reaches, changed by [^+]*\\+" + MAPPING));
        tmux.until(1, Pattern.compile("QEMU's trace\\n +[0-9:.]+ \\w+_"));

        labctl(tmux, "vfio.command dev=d memory=0");
        tmux.until(1, Pattern.compile(EDU + " edu reaches, changed by [^+]*-" + MAPPING));
        tmux.until(
                1,
                Pattern.compile(
                        IVSHMEM
                                + " ivshmem decodes, changed by [0-9:.]+\\s+- BAR 0[^\\n]*\\s+- BAR 2 "));

        tmux.until(1, Pattern.compile("requests refused by QEMU\\n +none"));
        labctl(tmux, "edu.dma dev=e direction=to_device iova=2097152 offset=0 length=4");
        tmux.until(
                1,
                Pattern.compile(
                        "requests refused by QEMU, changed by .*\\n +~ 1, the last .* 01:00\\.0 read 0x200000"));

        tmux.type(0, "exit");
        tmux.untilItIsOver();
        Screen.assertNothingIsLeft(Path.of(scratch).getParent());
    }

    @Test
    void virtualMachines() throws Exception {
        try (Tmux tmux = new Tmux(Screen.lab("monitor", "--kernel", "7.3"))) {
            tmux.until(0, "guest:/#");
            tmux.untilThereIsAnotherPane();
            tmux.until(1, Pattern.compile("virtual machines reach\n +nothing"));

            labctl(tmux, "pci.bind bdf=" + IVSHMEM + " driver=vfio-pci");
            labctl(tmux, "vfio.open bdf=" + IVSHMEM + " name=d");
            labctl(tmux, "vfio.command dev=d memory=1");
            labctl(tmux, "dmabuf.export dev=d bar=2 ranges=0+16384 name=b");
            for (String vm : List.of("one", "two")) {
                labctl(tmux, "kvm.create name=" + vm);
                labctl(
                        tmux,
                        "kvm.memslot vm="
                                + vm
                                + " slot=1 gpa=0x140000000 size=16384 dmabuf=b offset=0");
            }
            labctl(tmux, "kvm.vcpu vm=one name=x");
            tmux.until(1, Pattern.compile("\\+ kvm 0xffff\\w+, vCPUs: 1"));
            labctl(tmux, "kvm.vcpu vm=two name=y");
            labctl(tmux, "kvm.vcpu vm=two name=z");
            tmux.until(1, Pattern.compile(" kvm 0xffff\\w+, vCPUs: 2"));
            labctl(tmux, "vcpu.write vcpu=z gpa=0x140001000 width=8 value=7");
            String mapping = "0x140001000-0x140001fff -> 0x908001000-0x908001fff  rw, pages";
            tmux.until(1, Pattern.compile("\\+ +" + mapping));

            labctl(tmux, "vfio.command dev=d memory=0");
            tmux.until(1, Pattern.compile("- +" + mapping));
            tmux.type(0, "exit");
            tmux.untilItIsOver();
        }
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
