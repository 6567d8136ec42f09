// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.report.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a validation: exit status, answer, JSON. */
class ValidationTest {
    private static final Patch ONE = new Patch(1, 2, "vfio: One", Path.of("0001-one.patch"));
    private static final Patch TWO = new Patch(2, 2, "vfio: Two", Path.of("0002-two.patch"));
    private static final Path REPORT = Path.of("report");
    private static final List<Outcome> GREEN = List.of(Outcome.PASSED, Outcome.PASSED);
    private static final List<Outcome> RED = List.of(Outcome.FAILED, Outcome.CRASHED);

    @Test
    void nothingRegressed() {
        Validation so = with("", List.of(good(ONE), good(TWO)), List.of(scenario(GREEN, GREEN)));
        assertThat(so.exitStatus()).isZero();
        assertThat(MailReply.of(so)).startsWith("Nothing regressed.\n").contains("    1 unchanged");
    }

    @Test
    void aRegressionIsToldWithItsPatchAndHowToSeeIt() throws IOException {
        ScenarioVerdict red =
                scenario(GREEN, RED)
                        .blaming(TWO, "", "./lab run --patch 0002-two.patch A.b", Map.of(1, GREEN));
        Validation so = with("", List.of(good(ONE), good(TWO)), List.of(red));
        assertThat(so.exitStatus()).isEqualTo(1);
        assertThat(MailReply.of(so))
                .startsWith("1 scenario regressed.\n")
                .contains(
                        """
                          regressed A.b
                              base passed 2 of 2; head failed 1 of 2, crashed 1 of 2
                              since 2/2 vfio: Two
                              | expected: 1
                              ./lab run --patch 0002-two.patch A.b
                        """);
        JsonNode json = new ObjectMapper().readTree(ValidationJson.of(so));
        assertThat(json.at("/scenarios/0/judgement").asText()).isEqualTo("regressed");
        assertThat(json.at("/scenarios/0/blame").asInt()).isEqualTo(2);
        assertThat(json.at("/scenarios/0/head")).hasSize(2);
        assertThat(json.path("exitStatus").asInt()).isEqualTo(1);
    }

    @Test
    void whatIsNotTheSameEachTimeIsNoRegression() {
        ScenarioVerdict flaky = scenario(GREEN, List.of(Outcome.FAILED, Outcome.PASSED));
        Validation so = with("", List.of(good(ONE), good(TWO)), List.of(flaky));
        assertThat(so.exitStatus()).isZero();
        assertThat(MailReply.of(so)).contains("flaky A.b", "head passed 1 of 2, failed 1 of 2");
    }

    @Test
    void aSeriesIsAtFaultWhenAnyPatchDoesNotBuildOrBoot() {
        PatchVerdict unbuilt = PatchVerdict.unbuilt(ONE, List.of(), "status 2\n  a.c:1: error: no");
        Validation so = with("", List.of(unbuilt, good(TWO)), List.of());
        assertThat(so.exitStatus()).isEqualTo(1);
        assertThat(MailReply.of(so))
                .startsWith("1 of 2 patches does not build or boot.\n")
                .contains("does not build: a.c:1: error: no");
        PatchVerdict panics =
                new PatchVerdict(
                        TWO, List.of(), "", List.of(), 0, List.of(), "Kernel panic", false, "key");
        assertThat(with("", List.of(good(ONE), panics), List.of()).exitStatus()).isEqualTo(1);
    }

    @Test
    void aRunThatWasCutOffSaysSo() {
        Validation so = with("it was ended", List.of(good(ONE)), List.of());
        assertThat(so.exitStatus()).isEqualTo(3);
        assertThat(MailReply.of(so)).startsWith("No verdict.\nNot finished: it was ended\n");
    }

    @Test
    void whatChangesOnAVariantOnlyIsNotNothing() {
        assertThat(MailReply.of(same(true))).startsWith("Nothing changes: base and head");
        assertThat(MailReply.of(same(false)))
                .startsWith("Nothing regressed.\n")
                .contains("debug: builds, boots");
    }

    @Test
    void ofWhatIsNotCompiledNothingIsKnown() {
        PatchVerdict elsewhere =
                new PatchVerdict(
                        ONE, List.of(), "", List.of(), 0, List.of("fs/xfs/a.c"), "", true, "key");
        Validation so = of(List.of(elsewhere), true, List.of(), List.of(), "", REPORT);
        assertThat(so.exitStatus()).isEqualTo(3);
        assertThat(MailReply.of(so)).startsWith("No verdict: what").contains("fs/xfs/a.c");
    }

    @Test
    void thePageIsSafeToOpenWhateverAPatchIsCalled() {
        Patch evil = new Patch(1, 1, "<script>alert(1)</script> & \"x\"", Path.of("p"));
        String page = HtmlPage.of(with("", List.of(good(evil)), List.of(scenario(GREEN, RED))));
        assertThat(page)
                .contains("&lt;script&gt;alert(1)", "regressed", ">FC", "prefers-color-scheme")
                .doesNotContain("<script", "${", "http");
    }

    @Test
    void thePageLeadsToThePictureOfWhatRegressed(@TempDir Path report) throws IOException {
        Path left = Files.createDirectories(report.resolve("runs/head-01/A.b"));
        ScenarioVerdict red =
                new ScenarioVerdict(
                        "A.b",
                        "A.b",
                        "",
                        GREEN,
                        RED,
                        Map.of(),
                        "expected: 1",
                        left,
                        null,
                        "",
                        "again");
        Validation so = of(List.of(good(ONE)), false, List.of(), List.of(red), "", report);
        String link = "href=\"runs/head-01/A.b/sequence.svg\"";
        assertThat(HtmlPage.of(so)).doesNotContain(link);
        Files.writeString(left.resolve("sequence.svg"), "<svg/>");
        assertThat(HtmlPage.of(so)).contains(link);
    }

    @Test
    void theLabsOwnFailureIsNoVerdictOnTheSeries() {
        ScenarioVerdict broken = scenario(GREEN, List.of(Outcome.INFRASTRUCTURE));
        Validation so = with("", List.of(good(ONE), good(TWO)), List.of(broken));
        assertThat(so.exitStatus()).isEqualTo(3);
        assertThat(MailReply.of(so)).contains("infrastructure A.b");
    }

    private static PatchVerdict good(Patch patch) {
        return new PatchVerdict(patch, List.of(), "", List.of(), 0, List.of(), "", false, "key");
    }

    private static ScenarioVerdict scenario(List<Outcome> base, List<Outcome> head) {
        return new ScenarioVerdict(
                "A.b",
                "A.b",
                "",
                base,
                head,
                Map.of(),
                "expected: 1",
                null,
                null,
                "",
                "./lab run A.b");
    }

    private static Validation same(boolean onDebugToo) {
        return of(
                List.of(good(ONE)),
                true,
                List.of(new VariantVerdict("debug", "", "", onDebugToo)),
                List.of(),
                "",
                REPORT);
    }

    private static Validation with(
            String unfinished, List<PatchVerdict> patches, List<ScenarioVerdict> scenarios) {
        return of(patches, false, List.of(), scenarios, unfinished, REPORT);
    }

    private static Validation of(
            List<PatchVerdict> patches,
            boolean sameCode,
            List<VariantVerdict> variants,
            List<ScenarioVerdict> scenarios,
            String unfinished,
            Path directory) {
        return new Validation(
                Instant.EPOCH,
                Duration.ofSeconds(83),
                Map.of("base", "7.3"),
                List.of(ONE, TWO),
                "",
                patches,
                sameCode,
                variants,
                scenarios,
                null,
                1,
                unfinished,
                directory);
    }
}
