// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import static dmabuflab.report.Outcome.CRASHED;
import static dmabuflab.report.Outcome.FAILED;
import static dmabuflab.report.Outcome.INFRASTRUCTURE;
import static dmabuflab.report.Outcome.PASSED;
import static dmabuflab.report.Outcome.SKIPPED;

import dmabuflab.report.Outcome;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Validations in which everything happened once. */
final class SampleValidation {
    static final List<Patch> SERIES =
            List.of(
                    new Patch(1, 3, "vfio: One", Path.of("0001-one.patch")),
                    new Patch(2, 3, "vfio: Two", Path.of("0002-two.patch")),
                    new Patch(3, 3, "vfio: Three", Path.of("0003-three.patch")));

    private static final PatchCoverage COVERAGE =
            new PatchCoverage(
                    1,
                    3,
                    2,
                    2,
                    1,
                    List.of(new PatchCoverage.Gap("a.c", "f", 7, 7, List.of("\tx();"), false)),
                    List.of("b.c"));

    private SampleValidation() {}

    static Validation everyJudgement() {
        List<Outcome> green = List.of(PASSED, PASSED);
        List<ScenarioVerdict> scenarios =
                List.of(
                        scenario("A.broken", green, List.of(PASSED, INFRASTRUCTURE)),
                        scenario("A.fixed", List.of(FAILED, FAILED), green),
                        scenario("A.flaky", green, List.of(FAILED, PASSED)),
                        scenario("A.green", List.of(PASSED), List.of(PASSED)),
                        new ScenarioVerdict(
                                "A.green",
                                "A.green",
                                "debug",
                                green,
                                green,
                                Map.of(),
                                "",
                                null,
                                null,
                                "",
                                "./lab run --kernel debug A.green"),
                        scenario("A.newlyPossible", List.of(SKIPPED), List.of(PASSED)),
                        scenario("A.noLongerPossible", List.of(PASSED), List.of(SKIPPED)),
                        scenario("A.nowhere", List.of(SKIPPED), List.of(SKIPPED)),
                        scenario("A.redOnBoth", List.of(FAILED), List.of(FAILED)),
                        scenario("A.regressed", green, List.of(FAILED, CRASHED))
                                .blaming(
                                        SERIES.get(1),
                                        "",
                                        "./lab run --patch 0002-two.patch A.regressed",
                                        Map.of(1, green)));
        PatchVerdict panics =
                new PatchVerdict(
                        SERIES.get(2),
                        List.of(),
                        "",
                        List.of(),
                        0,
                        List.of(),
                        "Kernel panic",
                        false,
                        "0123456789abcdef0003");
        return with(
                "",
                List.of(
                        good(SERIES.get(0)),
                        PatchVerdict.unbuilt(
                                SERIES.get(1), List.of("a: long line"), "status 2\n a.c:1: error"),
                        panics),
                scenarios,
                "");
    }

    static Validation conflictIn(int number) {
        Patch patch = SERIES.get(number - 1);
        return with(
                patch.place() + " \"" + patch.subject() + "\" does not apply: hunk 1 of 1",
                List.of(),
                List.of(),
                "");
    }

    static Validation cutOff() {
        return with("", List.of(good(SERIES.get(0))), List.of(), "it was ended");
    }

    private static PatchVerdict good(Patch patch) {
        return new PatchVerdict(
                patch,
                List.of(),
                "",
                List.of("a.c:3: warning: unused"),
                0,
                List.of(),
                "",
                false,
                "0123456789abcdef000" + patch.number());
    }

    private static ScenarioVerdict scenario(String id, List<Outcome> base, List<Outcome> head) {
        return new ScenarioVerdict(
                id, id, "", base, head, Map.of(), "expected: 1", null, null, "", "./lab run " + id);
    }

    private static Validation with(
            String conflict,
            List<PatchVerdict> patches,
            List<ScenarioVerdict> scenarios,
            String unfinished) {
        return new Validation(
                Instant.parse("2026-05-04T03:02:01.5Z"),
                Duration.ofSeconds(83),
                Map.of("base", "7.3", "base kernel", "7.3.4 0123456789abcdef0000"),
                SERIES,
                conflict,
                patches,
                false,
                List.of(new VariantVerdict("debug", "", "", false)),
                scenarios,
                new Coverage(2, 1, List.of(COVERAGE)),
                1,
                unfinished,
                Path.of("report"));
    }
}
