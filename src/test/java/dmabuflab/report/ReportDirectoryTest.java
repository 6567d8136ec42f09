// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReportDirectoryTest {
    @TempDir Path base;

    @Test
    void latestIsTheNewest() throws IOException {
        ReportDirectory first = ReportDirectory.dated(base);
        assertThat(base.resolve("latest").toRealPath()).isEqualTo(first.root().toRealPath());
        ReportDirectory second = ReportDirectory.dated(base);
        assertThat(second.root()).isNotEqualTo(first.root());
        assertThat(base.resolve("latest").toRealPath()).isEqualTo(second.root().toRealPath());
        assertThat(Files.readSymbolicLink(base.resolve("latest"))).isRelative();
        assertThat(first.root().getFileName().toString())
                .matches("\\d{4}-\\d\\d-\\d\\d_\\d{6}(-\\d)?");
        assertThat(base.toFile().list()).hasSize(3);
    }

    @Test
    void everyScenarioHasItsFolder() {
        ReportDirectory report = ReportDirectory.at(base.resolve("new/report"));
        Path one = report.scenario("A.b");
        assertThat(one).isDirectory().isEqualTo(report.scenario("A.b"));
        assertThat(report.scenario("A.b[c]")).isDirectory().isNotEqualTo(one);
    }

    @ParameterizedTest
    @CsvSource({
        "Revoke.byReset, Revoke.byReset",
        "Revoke.by[FLR], Revoke.by@FLR",
        "Revoke.by[a b], Revoke.by@a_b-e5bc0df6",
        "Revoke.by[a/b], Revoke.by@a_b-e5bc4645",
        "../../etc/passwd, _.._.._etc_passwd-efcf8919",
    })
    void foldersHaveSafeAndDistinctNames(String id, String folder) {
        assertThat(ReportDirectory.folderName(id)).isEqualTo(folder);
    }

    @Test
    void longNamesAreCut() {
        String id = "A.b[" + "x".repeat(1000);
        assertThat(ReportDirectory.folderName(id + "1]"))
                .hasSizeLessThan(140)
                .isNotEqualTo(ReportDirectory.folderName(id + "2]"));
    }

    @Test
    void nothingOfAnEarlierRunSurvives() throws IOException {
        ReportDirectory earlier = ReportDirectory.at(base);
        Files.writeString(earlier.scenario("A.b").resolve("console.log"), "old");
        Files.createDirectories(earlier.scenario("A.b").resolve("more"));
        Files.createSymbolicLink(earlier.scenario("A.b").resolve("link"), base);
        Files.writeString(base.resolve("notes.txt"), "the user's own");
        ReportWriters.write(SampleRun.in(base), List.of());

        ReportDirectory now = ReportDirectory.at(base);
        assertThat(base.toFile().list()).containsExactlyInAnyOrder(".lock", "A.b", "notes.txt");
        assertThat(now.scenario("A.b")).isEmptyDirectory();
        assertThat(base.resolve("notes.txt")).exists();
    }

    @Test
    void writesAllFormatsAndNothingElse() {
        ReportWriters.write(SampleRun.in(base), List.of());
        ReportWriters.write(SampleRun.in(base), List.of());
        assertThat(List.of(base.toFile().list()))
                .containsExactlyInAnyOrder(
                        "report.md",
                        "report.html",
                        "junit.xml",
                        "results.ktap",
                        "results.json",
                        "kcidb.json",
                        "rules.txt");
    }

    @Test
    void saysWhereItCannotWrite() throws IOException {
        Path file = Files.writeString(base.resolve("file"), "");
        assertThatThrownBy(() -> ReportDirectory.at(file.resolve("report")))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("--report DIR");
        assertThatThrownBy(() -> ReportWriters.write(SampleRun.in(base.resolve("gone")), List.of()))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("cannot write");
    }

    /** By somebody else, as locks of one process do not hinder itself. */
    @Test
    void refusesADirectoryThatAnotherRunWritesTo() throws IOException {
        Path lock = Files.createFile(base.resolve(".lock"));
        String hold =
                "use Fcntl; open F, '+<', $ARGV[0] or die;"
                        + " my $all = pack('s s l! l! i', F_WRLCK, 0, 0, 0, 0);"
                        + " fcntl(F, F_SETLK, $all) or die;"
                        + " $| = 1; print qq(held\\n); <STDIN>";
        Process other = new ProcessBuilder("perl", "-e", hold, lock.toString()).start();
        try {
            assertThat(other.inputReader().readLine()).isEqualTo("held");
            assertThatThrownBy(() -> ReportDirectory.at(base))
                    .isInstanceOf(InfrastructureException.class)
                    .hasMessageContaining("another run is writing its report there");
        } finally {
            other.destroy();
        }
        other.onExit().join();
        ReportDirectory.at(base);
        assertThat(ReportDirectory.at(base).root()).isEqualTo(base);
    }
}
