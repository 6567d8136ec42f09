// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.host.ProjectFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

class MutantsCommandIT {
    private static final Path MUTANT =
            ProjectFiles.locate().kernelConfig().resolve("mutants/rdma-memcpy-on-mmio.patch");

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    Path reports;

    @Test
    void whatIsKnownIsNotJudgedAgain() {
        String judged = mutants("judged", "--again");
        assertThat(judged).contains("1 mutants, 1 noticed, 0 survived, 0 undecided");
        assertThat(judged).doesNotContain("known since");
        assertThat(reports.resolve("judged/series/results.json")).exists();

        String known = mutants("known");
        assertThat(known).contains("known since", "1 mutants, 1 noticed");
        assertThat(reports.resolve("known")).doesNotExist();
    }

    @Test
    void aRuleThatIsBrokenUnnoticedIsNamed() throws IOException {
        Path liar = reports.resolve("liar.patch");
        String patch = Files.readString(MUTANT);
        Files.writeString(liar, patch.replaceFirst("(?m)^Breaks: .*$", "Breaks: RD4 LC2"));
        String report = reports.resolve("liar").toString();
        LabRun mutants = LabRun.of(List.of("mutants", "--report", report, liar.toString()));
        assertThat(mutants.status()).as(mutants.said()).isEqualTo(1);
        assertThat(mutants.said()).contains("NOT by what proves LC2");
    }

    private String mutants(String report, String... options) {
        List<String> words = new ArrayList<>(List.of(options));
        words.addAll(List.of("--report", reports.resolve(report).toString(), MUTANT.toString()));
        words.add(0, "mutants");
        LabRun mutants = LabRun.of(words);
        assertThat(mutants.status()).as(mutants.said()).isZero();
        return mutants.said();
    }
}
