// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import dmabuflab.report.Comparison.Change;
import dmabuflab.report.Comparison.Row;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ComparisonTest {
    @TempDir Path root;

    private Path report(String name, Map<String, Outcome> outcomes) throws IOException {
        Path directory = Files.createDirectory(root.resolve(name));
        List<ScenarioResult> scenarios =
                outcomes.entrySet().stream()
                        .map(
                                e ->
                                        SampleRun.scenario(
                                                e.getKey(), List.of(), e.getValue(), "", 1, null))
                        .toList();
        ReportWriters.write(
                new RunResult(
                        Instant.EPOCH,
                        Duration.ZERO,
                        Map.of("kernel", "7.3.4 " + name),
                        scenarios,
                        directory),
                List.of());
        return directory;
    }

    @Test
    void tellsEveryChange() throws IOException {
        Path before =
                report(
                        "before",
                        Map.of(
                                "A.breaks", Outcome.PASSED,
                                "A.heals", Outcome.FAILED,
                                "A.stays", Outcome.PASSED,
                                "A.goes", Outcome.FAILED));
        Path after =
                report(
                        "after",
                        Map.of(
                                "A.breaks", Outcome.CRASHED,
                                "A.heals", Outcome.PASSED,
                                "A.stays", Outcome.PASSED,
                                "A.comes", Outcome.PASSED));

        Comparison comparison = Comparison.of(before, after.resolve("results.json"));

        assertThat(comparison.before().kernel()).isEqualTo("7.3.4 before");
        assertThat(comparison.rows())
                .extracting(row -> row.id() + " " + row.change().label())
                .containsExactly(
                        "A.breaks regressed",
                        "A.comes new",
                        "A.goes gone",
                        "A.heals fixed",
                        "A.stays unchanged");
        assertThat(comparison.counts()).hasSize(5).containsEntry(Change.REGRESSED, 1);
        assertThat(comparison.isWorse()).isTrue();
        assertThat(Comparison.of(after, after).isWorse()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "PASSED, HUNG, REGRESSED",
        "SKIPPED, FAILED, REGRESSED",
        "INFRASTRUCTURE, FAILED, REGRESSED",
        "FAILED, CRASHED, CHANGED",
        "FAILED, SKIPPED, CHANGED",
        "PASSED, SKIPPED, CHANGED",
        "SKIPPED, PASSED, CHANGED",
        "HUNG, PASSED, FIXED",
        "FAILED, FAILED, UNCHANGED",
    })
    void twoOutcomesMakeAChange(Outcome before, Outcome after, Change change) {
        assertThat(new Row("A.b", "", Optional.of(before), Optional.of(after)).change())
                .isEqualTo(change);
    }

    @Test
    void aNewRedOneIsWorse() throws IOException {
        Path before = report("before", Map.of("A.a", Outcome.PASSED));
        Path after = report("after", Map.of("A.a", Outcome.PASSED, "A.b", Outcome.FAILED));
        assertThat(Comparison.of(before, after).isWorse()).isTrue();
        assertThat(Comparison.of(after, before).isWorse()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "{}",
                "{\"scenarios\":[]}",
                "{\"scenarios\":[{\"id\":\"A.b\",\"outcome\":\"great\"}]}",
                "{\"scenarios\":[{\"id\":\"A.b\"}]}"
            })
    void whatIsNoReportIsNotCompared(String text) throws IOException {
        Path good = report("good", Map.of("A.a", Outcome.PASSED));
        Path bad = Files.writeString(root.resolve("bad.json"), text);
        assertThatThrownBy(() -> Comparison.of(good, bad))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("cannot compare with " + bad);
    }

    @Test
    void aReportThatIsNotThereIsNotCompared() {
        assertThatThrownBy(() -> Comparison.of(root.resolve("no"), root.resolve("such")))
                .isInstanceOf(InfrastructureException.class);
    }
}
