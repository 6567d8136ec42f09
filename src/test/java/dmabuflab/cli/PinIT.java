// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Pin;
import dmabuflab.host.ProjectFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Guests whose CPUs are held to a schedule. */
class PinIT {
    private static final String SCENARIO = "KvmRaces.faultAgainstRevoke";
    private static final Path SCHEDULE =
            ProjectFiles.locate().qemu().resolve("schedules/fault-overtaken-by-revoke");
    private static final Path MUTANT =
            ProjectFiles.locate().kernelConfig().resolve("mutants/slot-zap-not-announced.patch");

    /** What the scenario says of a fault that was overtaken and mapped what it had. */
    private static final String LOST = "reads when a revoke had returned";

    @TempDir Path directory;

    /**
     * That a schedule is kept is up to chance, too, where a CPU is waited for that stands still.
     * And the scenario's own time goes on meanwhile, so what else it asks for may not come about.
     */
    @Test
    void aRaceThatIsLostOnABrokenKernelOnly() throws Exception {
        untilKept();
        assertThat(text.toString()).doesNotContain(LOST);

        int status = untilKept("--mutant", MUTANT.toString());
        assertThat(status).isEqualTo(1);
        assertThat(text.toString()).contains(LOST);
    }

    private int untilKept(String... options) throws IOException {
        int status;
        do {
            text.getBuffer().setLength(0);
            status = run(SCHEDULE, options);
        } while (status == 3 && pinLog().contains("schedule not kept"));
        assertThat(pinLog()).as(text.toString()).contains("passes 6 of 6", "schedule kept");
        return status;
    }

    @Test
    void aScheduleThatIsNotKeptIsNoVerdict() throws Exception {
        Path early = schedule("dma_buf_get_pfn_unlocked returns 0", "kernel_halt");
        assertThat(run(early)).isEqualTo(3);
        assertThat(pinLog()).contains("schedule not kept: nobody has passed point 2, kernel_halt");

        Path never = schedule("kernel_halt", "kernel_restart");
        assertThat(run(never)).isEqualTo(3);
        assertThat(pinLog()).contains("nobody has passed point 1");
    }

    @Test
    void aCpuIsNotHeldForEver() throws Exception {
        Path backwards =
                schedule("vfio_pci_dma_buf_move", "kernel_halt", "vfio_pci_dma_buf_move returns");
        assertThat(run(backwards)).as(text.toString()).isEqualTo(3);
        assertThat(pinLog()).containsPattern("point 2, kernel_halt, nothing for \\d+ ms");
    }

    @Test
    void aFunctionThatIsNotThere() throws Exception {
        Path misspelt = schedule("vfio_pci_dma_buf_mov", "kernel_halt");
        assertThat(run(misspelt)).isEqualTo(3);
        assertThat(text.toString()).contains("there are", "vfio_pci_dma_buf_move");
    }

    @Test
    void fromAShell() throws Exception {
        Path order =
                schedule(
                        "dma_buf_get_pfn_unlocked",
                        "vfio_pci_dma_buf_move",
                        "dma_buf_get_pfn_unlocked returns",
                        "vfio_pci_dma_buf_move returns");
        String race =
                """
                labctl pci.bind bdf=0000:02:00.0 driver=vfio-pci
                labctl vfio.open bdf=0000:02:00.0 name=device
                labctl vfio.command dev=device memory=1
                labctl dmabuf.export dev=device bar=2 ranges=0+65536 name=buffer
                labctl importer.attach dmabuf=buffer name=importer
                labctl race.run seconds=1 'lanes=[
                    [{"run":"importer.query","args":{"name":"importer","pgoff":0}}],
                    [{"run":"vfio.command","args":{"dev":"device","memory":0}}]]'
                """;
        Path script = Files.writeString(directory.resolve("race.sh"), race);
        String shell = Screen.lab("shell", "--pin", order.toString()) + " < " + script;
        Process process = Screen.builder("sh", "-c", shell).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said)
                .containsPattern("pin: CPU . is held at 3: dma_buf_get_pfn_unlocked returns")
                .contains("pin: schedule kept")
                .contains("\"run\":\"importer.query\"");
    }

    private final StringWriter text = new StringWriter();

    private int run(Path schedule, String... options) {
        List<String> words = new ArrayList<>(List.of("run", "--pin", schedule.toString()));
        words.addAll(List.of(options));
        words.addAll(List.of("--report", directory.resolve("report").toString(), SCENARIO));
        CommandLine lab = Main.commandLine();
        lab.setOut(new PrintWriter(text, true)).setErr(new PrintWriter(text, true));
        return lab.execute(words.toArray(String[]::new));
    }

    private String pinLog() throws IOException {
        return Files.readString(directory.resolve("report").resolve(SCENARIO).resolve(Pin.LOG));
    }

    private Path schedule(String... points) throws IOException {
        return Files.writeString(directory.resolve("schedule"), String.join("\n", points));
    }
}
