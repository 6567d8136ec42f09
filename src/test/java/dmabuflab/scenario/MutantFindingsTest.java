// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.Cache;
import dmabuflab.host.InfrastructureException;
import dmabuflab.report.MutantFinding;
import dmabuflab.report.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MutantFindingsTest {
    private static final String SCENARIO = "PfnQuery.everyPage";
    private static final MutantFinding KILLED = killedBy(SCENARIO);

    @TempDir Path directory;
    private MutantFindings findings;
    private Mutant mutant;

    @BeforeEach
    void keep() throws IOException {
        findings = findings("kernel");
        mutant = mutant("Breaks: PQ1\n");
    }

    @Test
    void isFoundAgainByKernelAndContent() throws IOException {
        findings.keep(mutant, KILLED);

        assertThat(findings("kernel").find(mutant)).contains(KILLED);
        assertThat(findings("other kernel").find(mutant)).isEmpty();
        assertThat(mutant.isUnchanged()).isTrue();
        Mutant edited = mutant("Breaks: PQ1\n+");
        assertThat(findings.find(edited)).isEmpty();
        assertThat(mutant.isUnchanged()).isFalse();
        assertThat(findings.find(mutant("Breaks: PQ1\n"))).contains(KILLED);
    }

    @Test
    void theLastFindingCounts() {
        MutantFinding undecided = MutantFinding.undecided("does not apply\nport it");
        findings.keep(mutant, KILLED);
        findings.keep(mutant, undecided);

        assertThat(findings.find(mutant)).contains(undecided);
        assertThat(undecided.undecided()).isEqualTo("does not apply");
    }

    @Test
    void aScenarioThatHasChangedSinceHasNoticedNothing() throws IOException {
        findings.keep(mutant, KILLED);
        changeTheCode();

        assertThat(findings.find(mutant)).isEmpty();
    }

    @Test
    void aScenarioThatIsGoneHasNoticedNothing() {
        findings.keep(mutant, killedBy("NoLonger.there"));

        assertThat(findings.find(mutant)).isEmpty();
    }

    @Test
    void aFileThatCannotBeReadIsNamed() throws IOException {
        findings.keep(mutant, KILLED);
        Files.writeString(file(), "{}");

        assertThatThrownBy(() -> findings.find(mutant))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("delete " + file());
    }

    @Test
    void theCodeOfAScenarioIsThatOfItsClassAndOfWhatItUses() {
        assertThat(ScenarioCode.digest("LifetimeMatrix.pair[move,kvm,dynamic]"))
                .isEqualTo(ScenarioCode.digest("LifetimeMatrix.other"))
                .isNotEqualTo(ScenarioCode.digest(SCENARIO));
        assertThat(ScenarioCode.classes("LifetimeMatrix"))
                .contains("LifetimeMatrix", "ImporterKind", "ImporterUnderTest$OfKvm", "KvmWindow")
                .doesNotContain("PfnQuery");
    }

    private void changeTheCode() throws IOException {
        String content = Files.readString(file());
        String code = ScenarioCode.digest(SCENARIO).orElseThrow();
        assertThat(content).contains(code);
        Files.writeString(file(), content.replace(code, "0" + code.substring(1)));
    }

    private Path file() throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve("cache"))) {
            return files.filter(Files::isRegularFile).findFirst().orElseThrow();
        }
    }

    private MutantFindings findings(String kernel) {
        return new MutantFindings(Cache.at(directory.resolve("cache")), kernel);
    }

    private Mutant mutant(String content) throws IOException {
        Path patch = Files.writeString(directory.resolve("mutant.patch"), content);
        return Mutant.read(List.of(patch)).get(0);
    }

    private static MutantFinding killedBy(String scenario) {
        return new MutantFinding(
                Instant.parse("2026-05-04T03:02:01.5Z"), Map.of(scenario, Outcome.CRASHED), "");
    }
}
