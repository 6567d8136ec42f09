// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.host.ProjectFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class MutantsCommandIT {
    private static final Path MUTANT =
            ProjectFiles.locate().kernelConfig().resolve("mutants/rdma-memcpy-on-mmio.patch");

    @TempDir Path reports;

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
        StringWriter text = new StringWriter();
        CommandLine lab = Main.commandLine();
        lab.setOut(new PrintWriter(text, true)).setErr(new PrintWriter(text, true));

        String report = reports.resolve("liar").toString();
        assertThat(lab.execute("mutants", "--report", report, liar.toString()))
                .as(text.toString())
                .isEqualTo(1);
        assertThat(text.toString()).contains("NOT by what proves LC2");
    }

    private String mutants(String report, String... options) {
        StringWriter text = new StringWriter();
        CommandLine lab = Main.commandLine();
        lab.setOut(new PrintWriter(text, true)).setErr(new PrintWriter(text, true));
        List<String> words = new ArrayList<>(List.of(options));
        words.addAll(List.of("--report", reports.resolve(report).toString(), MUTANT.toString()));
        words.add(0, "mutants");
        assertThat(lab.execute(words.toArray(String[]::new))).as(text.toString()).isZero();
        return text.toString();
    }
}
