// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.Schemas;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What programs read of a validation. */
class ValidationFormatsTest {
    private static final String KCIDB = "/dmabuflab/kcidb.schema.json";
    private static final String SCHEMA = "/dmabuflab/validate/validation.schema.json";

    @Test
    void jsonIsWhatItsSchemaSays() throws IOException {
        String json = ValidationJson.of(SampleValidation.everyJudgement());
        assertThat(Schemas.complaints(SCHEMA, json)).isEmpty();
        assertThat(Schemas.complaints(SCHEMA, ValidationJson.of(SampleValidation.conflictIn(1))))
                .isEmpty();
        assertThat(Schemas.complaints(SCHEMA, json.replace("\"blame\" : 2", "\"blame\" : 0")))
                .isNotEmpty();
    }

    @Test
    void eachRunIsARowForKcidb() throws IOException {
        String rows = ValidationKcidb.of(SampleValidation.everyJudgement());
        assertThat(Schemas.complaints(KCIDB, rows)).isEmpty();
        JsonNode json = new ObjectMapper().readTree(rows);
        assertThat(json.path("builds"))
                .extracting(build -> build.path("status").asText())
                .containsExactly("PASS", "PASS", "FAIL", "PASS", "PASS", "PASS");
        assertThat(json.at("/builds/0/id").asText()).isEqualTo("dmabuf_lab:0123456789abcdef0000");
        assertThat(json.path("tests").findValuesAsText("id")).doesNotHaveDuplicates();
        assertThat(json.path("tests"))
                .filteredOn(test -> test.path("path").asText().equals("dmabuf_lab.boot"))
                .extracting(test -> test.path("status").asText())
                .containsExactly("PASS", "FAIL", "PASS");
        assertThat(json.path("tests"))
                .filteredOn(test -> test.path("path").asText().equals("dmabuf_lab.A.regressed"))
                .extracting(
                        test -> test.path("build_id").asText().replaceFirst(".*:.*(....)", "$1"),
                        test -> test.path("status").asText())
                .containsExactly(
                        tuple("0000", "PASS"),
                        tuple("0000", "PASS"),
                        tuple("0001", "PASS"),
                        tuple("0001", "PASS"),
                        tuple("0003", "FAIL"),
                        tuple("0003", "FAIL"));
    }

    @Test
    void aVariantIsAnotherBuildForKcidb() throws IOException {
        JsonNode json =
                new ObjectMapper().readTree(ValidationKcidb.of(SampleValidation.everyJudgement()));
        List<String> debug = new ArrayList<>();
        json.path("builds")
                .forEach(
                        build -> {
                            if (build.path("config_name").asText().equals("debug")) {
                                debug.add(build.path("id").asText());
                                assertThat(json.path("checkouts").findValuesAsText("id"))
                                        .contains(build.path("checkout_id").asText());
                            }
                        });
        assertThat(debug).hasSize(2);
        assertThat(json.path("tests"))
                .filteredOn(test -> debug.contains(test.path("build_id").asText()))
                .extracting(test -> test.path("path").asText())
                .containsExactly(
                        "dmabuf_lab.boot",
                        "dmabuf_lab.A.green",
                        "dmabuf_lab.A.green",
                        "dmabuf_lab.A.green",
                        "dmabuf_lab.A.green");
    }

    @Test
    void aRegressionIsAnIssueForKcidb() throws IOException {
        JsonNode json =
                new ObjectMapper().readTree(ValidationKcidb.of(SampleValidation.everyJudgement()));
        assertThat(json.path("issues")).hasSize(1);
        JsonNode issue = json.at("/issues/0");
        assertThat(issue.path("comment").asText())
                .isEqualTo("regressed A.regressed since vfio: Two");
        assertThat(json.path("incidents"))
                .allMatch(incident -> incident.path("issue_id").equals(issue.path("id")))
                .extracting(incident -> incident.path("present").asBoolean())
                .containsExactly(false, false, false, false, true, true);
        assertThat(json.path("tests").findValuesAsText("id"))
                .containsAll(json.path("incidents").findValuesAsText("test_id"));
    }

    @Test
    void aConflictIsACheckoutThatKcidbKnowsToBeInvalid() throws IOException {
        String rows = ValidationKcidb.of(SampleValidation.conflictIn(2));
        assertThat(Schemas.complaints(KCIDB, rows)).isEmpty();
        JsonNode checkout = new ObjectMapper().readTree(rows).at("/checkouts/1");
        assertThat(checkout.path("valid").asBoolean(true)).isFalse();
        assertThat(checkout.path("log_excerpt").asText()).contains("hunk 1 of 1");
    }
}
