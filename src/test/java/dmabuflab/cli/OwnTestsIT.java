// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.host.ProjectFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** C tests of somebody, by `lab run` and `lab validate`. */
class OwnTestsIT {
    private static final Path EXAMPLE =
            ProjectFiles.locate().guestTools().resolve("test/revoke.c").toAbsolutePath();
    private static final Path MUTANT =
            ProjectFiles.locate().kernelConfig().resolve("mutants/revoked-not-tested.patch");

    @TempDir Path directory;

    private String said;

    @Test
    void theExamplePassesOnTheIommusItAsksFor() throws IOException {
        assertThat(lab("run", "--test", EXAMPLE.toString())).as(said).isZero();

        assertThat(scenarios("results.json"))
                .extracting(each -> each.path("id").asText())
                .contains(
                        "OwnTests.program[revoke,vtd]",
                        "OwnTests.program[revoke,virtio-iommu]",
                        "OwnTests.program[revoke,vtd][the same PFN]");
    }

    @Test
    void itIsRedOnAKernelThatTellsPfnsOfMemoryThatIsOff() throws IOException {
        assertThat(
                        lab(
                                "run",
                                "--test",
                                EXAMPLE.toString(),
                                "--mutant",
                                MUTANT.toString(),
                                "OwnTests.program[revoke,vtd]"))
                .as(said)
                .isEqualTo(1);

        assertThat(said)
                .contains("failed OwnTests.program[revoke,vtd]", "no PFN of memory that is off")
                .doesNotContain("[revoke,virtio-iommu]");
    }

    @Test
    void aSeriesIsBlamedForWhatItBreaksOfIt() throws IOException {
        assertThat(
                        lab(
                                "validate",
                                "--test",
                                EXAMPLE.toString(),
                                "--repeats",
                                "1",
                                "--series",
                                MUTANT.toString(),
                                "own"))
                .as(said)
                .isEqualTo(1);

        assertThat(said).contains("regressed OwnTests.program[revoke,vtd]", "since 1/1", "--test");
    }

    @Test
    void aSelftestThatAPatchAddsIsRun() throws IOException {
        Path patch = Path.of("src/test/resources/dmabuflab/validate/adds-a-selftest.patch");
        assertThat(lab("run", "--patch", patch.toString(), "OtherSelftests")).as(said).isZero();

        assertThat(scenarios("results.json"))
                .extracting(each -> each.path("id").asText(), each -> each.path("outcome").asText())
                .containsExactlyInAnyOrder(
                        tuple("OtherSelftests.program[dmabuf-heaps/added]", "passed"),
                        tuple(
                                "OtherSelftests.program[dmabuf-heaps/added][the system heap]",
                                "passed"),
                        tuple(
                                "OtherSelftests.program[dmabuf-heaps/added][the heap of another"
                                        + " machine]",
                                "skipped"));
    }

    @Test
    void whatDoesNotCompileWithTheKernelsHeadersIsRed() throws IOException {
        assertThat(runs("int main(void)\n{\n\treturn lab;\n}\n")).as(said).isEqualTo(1);
        assertThat(said).contains("mine.c does not compile", "mine.c:3:", "undeclared (first");
    }

    @Test
    void aRefusalThatWasNotExpectedEndsTheTest() throws IOException {
        assertThat(
                        runs(
                                """
                                #include "kselftest.h"
                                #include "lab.h"
                                int main(void)
                                {
                                    ksft_print_header();
                                    ksft_set_plan(1);
                                    lab("importer.query name=%s pgoff=0", "nobody");
                                    ksft_test_result_pass("asked\\n");
                                    ksft_finished();
                                }
                                """))
                .as(said)
                .isEqualTo(1);
        assertThat(said).contains("it gave up: importer.query name=nobody pgoff=0: ENOENT");
    }

    @Test
    void oneWithoutTapIsJudgedByHowItEnds() throws IOException {
        assertThat(runs("int main(void) { return 0; }\n")).as(said).isZero();
        assertThat(runs("int main(void) { return 3; }\n")).as(said).isEqualTo(1);
        assertThat(said).contains("its exit status is 3");
        assertThat(runs("int main(void) { __builtin_trap(); }\n")).as(said).isEqualTo(1);
        assertThat(said).contains("it died of SIGILL");
    }

    @Test
    void aMisspeltArgumentIsNoRefusalOfTheKernel() throws IOException {
        String test = "#include \"lab.h\"\nint main(void) { lab_try(\"%s\"); return 0; }\n";
        assertThat(runs(test.formatted("pci.list"))).as(said).isZero();
        assertThat(runs(test.formatted("pci.list bdf=1"))).as(said).isEqualTo(1);
        assertThat(said).contains("it gave up: pci.list bdf=1");
    }

    /** Beside the program there is a directory of the guest's own. */
    @Test
    void aTestMayHaveTheNameOfAnything() throws IOException {
        Path test = directory.resolve("guest.c");
        Files.writeString(test, "int main(void) { return 1; }\n");
        assertThat(lab("run", "--test", test.toString())).as(said).isEqualTo(1);
        assertThat(said).contains("failed OwnTests.program[guest,vtd]");
    }

    @Test
    void aTestThatNothingSelectsIsWrongUsage() {
        assertThat(lab("run", "--test", EXAMPLE.toString(), "PQ4")).isEqualTo(2);
        assertThat(said).contains("add the word own");
        assertThat(lab("run", "own")).isEqualTo(2);
        assertThat(said).contains("no scenario, class, tag or rule matches own");
    }

    @Test
    void whatItCannotHaveIsWrongUsage() throws IOException {
        assertThat(runs("// Devices: gpu\nint main(void) { return 0; }\n")).isEqualTo(2);
        assertThat(said).contains("there is no device gpu, only");
    }

    private int runs(String text) throws IOException {
        return lab(
                "run", "--test", Files.writeString(directory.resolve("mine.c"), text).toString());
    }

    private int lab(String command, String... words) {
        List<String> all =
                new ArrayList<>(
                        List.of(command, "--report", directory.resolve("report").toString()));
        all.addAll(Arrays.asList(words));
        LabRun run = LabRun.of(all);
        said = run.said();
        return run.status();
    }

    private JsonNode scenarios(String file) throws IOException {
        return new ObjectMapper()
                .readTree(directory.resolve("report").resolve(file).toFile())
                .path("scenarios");
    }
}
