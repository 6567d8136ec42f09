// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int lab(String... words) {
        CommandLine lab = Main.commandLine();
        lab.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return lab.execute(words);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "run --jobs 0",
                "run --jobs many",
                "run --timeout-scale 0",
                "run --accel warp",
                "run NoSuchScenario",
                "list UR[0",
                "mutants src/main/java",
                "bench --only speed",
                "shell --devices no-such-device",
                "shell --devices ivshmem",
                "shell --devices edu:1M",
                "shell --devices ivshmem:much",
                "shell --iommu pdp11",
                "shell --share no/such/directory",
                "tour --mutant no/such/file",
                "run --in vat",
                "validate --in container --series -",
                "rnu",
            })
    void wrongUsageIsExitStatusTwoAndOneSentence(String words) {
        assertThat(lab(words.split(" "))).as(err.toString()).isEqualTo(2);
        assertThat(err.toString()).startsWith("lab: ").contains("--help");
        assertThat(err.toString().lines().count()).isLessThan(6);
    }

    @Test
    void aMissingMutantIsNotASurvivor() {
        assertThat(lab("mutants", "no/such/directory")).isEqualTo(3);
        assertThat(err.toString()).contains("no/such/directory");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", "run", "list", "build", "doctor", "mutants", "bench", "shell", "gdb", "monitor",
                "tour"
            })
    void helpFitsEightyColumns(String command) {
        assertThat(lab((command + " --help").strip().split(" "))).isZero();
        assertThat(out.toString().lines()).allMatch(line -> line.length() <= 80);
    }

    @Test
    void listNamesScenariosRulesAndDevices() {
        assertThat(lab("list", "UR2")).isZero();
        assertThat(out.toString())
                .contains("Revocation.notifyOfUnrevokeFindsPfn")
                .contains("proves UR2; needs ivshmem:16M")
                .doesNotContain("PfnQuery.wholeBar");
    }
}
