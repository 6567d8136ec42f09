// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.Schemas;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What programs read of a run. */
class JsonFormatsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final RunResult run = SampleRun.in(Path.of("report"));

    @Test
    void resultsAreWhatTheirSchemaSays() throws IOException {
        String results = ResultsJson.of(run);
        assertThat(complaints(results)).isEmpty();
        assertThat(complaints(results.replace("\"crashed\" : 1", "\"burnt\" : 1"))).hasSize(2);
        assertThat(complaints(results.replace("\"hung\",", "\"asleep\","))).isNotEmpty();
    }

    @Test
    void rowsForKcidbAreWhatItTakes() throws IOException {
        String rows = KcidbRun.of(run);
        assertThat(Schemas.complaints("/dmabuflab/kcidb.schema.json", rows)).isEmpty();
        JsonNode json = JSON.readTree(rows);
        assertThat(json.path("tests"))
                .extracting(
                        test -> test.path("path").asText(), test -> test.path("status").asText())
                .containsExactly(
                        tuple("dmabuf_lab.KUnit.suite.dma_buf_1", "FAIL"),
                        tuple("dmabuf_lab.Query.everyPage", "PASS"),
                        tuple("dmabuf_lab.Query.hole.MSI-X", "PASS"),
                        tuple("dmabuf_lab.Query.range", "ERROR"),
                        tuple("dmabuf_lab.Revoke.byMemoryEnable", "FAIL"),
                        tuple("dmabuf_lab.Revoke.byReset", "FAIL"),
                        tuple("dmabuf_lab.Revoke.byUnplug", "SKIP"));
        assertThat(json.at("/tests/0/build_id").asText()).isEqualTo("dmabuf_lab:0123abcd");
        assertThat(json.at("/builds/0/id").asText()).isEqualTo("dmabuf_lab:0123abcd");
        assertThat(json.at("/tests/4/log_excerpt").asText()).startsWith("[page 3]\nexpected");
        assertThat(json.at("/tests/0/duration").asDouble()).isEqualTo(12.0);
    }

    @Test
    void aKernelIsDescribedByItsManifest(@TempDir Path cache) throws IOException {
        Path manifest =
                Files.writeString(
                        cache.resolve("manifest.json"),
                        """
                        {"target": "7.3", "variant": "debug", "source": "linux 7.3.4-1",
                         "patches": [{"subject": "One", "sha256": "%s"},
                                     {"subject": "Two", "sha256": "%s"}],
                         "compiler": "gcc 12", "buildSeconds": 90.5, "configSha256": "c0"}
                        """
                                .formatted("a".repeat(64), "b".repeat(64)));
        Map<String, String> environment = new LinkedHashMap<>(run.environment());
        environment.put("kernel manifest", manifest.toString());
        String rows = KcidbRun.of(of(environment, run.scenarios()));
        assertThat(Schemas.complaints("/dmabuflab/kcidb.schema.json", rows)).isEmpty();
        JsonNode json = JSON.readTree(rows);
        // printf '%s\n' a... b... | sha256sum
        assertThat(json.at("/checkouts/0/patchset_hash").asText())
                .isEqualTo("913f9338fb6c17253f3a14816fc08d52522454bfc19a8c99538a197cfb23fb41");
        assertThat(json.at("/checkouts/0/comment").asText())
                .isEqualTo("Linux 7.3.4, linux 7.3.4-1");
        assertThat(json.at("/builds/0/config_name").asText()).isEqualTo("7.3-debug");
        assertThat(json.at("/builds/0/duration").asDouble()).isEqualTo(90.5);
    }

    @Test
    void whatCouldNotEvenBeginIsMissingAndRunsHaveIdsOfTheirOwn() throws IOException {
        ScenarioResult lost =
                SampleRun.scenario(
                        "A.b",
                        List.of(),
                        Outcome.INFRASTRUCTURE,
                        "no QEMU\0" + "x".repeat(20000),
                        1,
                        null);
        String rows = KcidbRun.of(of(Map.of("lab", "no kernel"), List.of(lost)));
        assertThat(Schemas.complaints("/dmabuflab/kcidb.schema.json", rows)).isEmpty();
        JsonNode json = JSON.readTree(rows);
        assertThat(json.at("/tests/0/status").asText()).isEqualTo("MISS");
        assertThat(json.path("builds")).isEmpty();
        String other = KcidbRun.of(of(Map.of("lab", "other"), List.of(lost)));
        assertThat(JSON.readTree(other).at("/tests/0/id")).isNotEqualTo(json.at("/tests/0/id"));
    }

    private static RunResult of(Map<String, String> environment, List<ScenarioResult> scenarios) {
        return new RunResult(
                Instant.EPOCH, Duration.ZERO, environment, scenarios, Path.of("report"));
    }

    private static List<String> complaints(String results) throws IOException {
        return Schemas.complaints("/dmabuflab/report/results.schema.json", results);
    }
}
