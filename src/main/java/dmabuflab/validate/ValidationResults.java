// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import dmabuflab.report.Outcome;
import dmabuflab.report.RunResult;
import dmabuflab.report.ScenarioResult;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A validation in the terms of a run, so that a CI server shows it: each step of each patch, and
 * each scenario, is passed, red or skipped by what the series has done to it.
 */
public final class ValidationResults {
    private final Validation so;
    private final List<ScenarioResult> results = new ArrayList<>();

    private ValidationResults(Validation so) {
        this.so = so;
    }

    /** Whether the lab came to its end, the steps of the patches, then the scenarios. */
    public static RunResult of(Validation so) {
        ValidationResults these = new ValidationResults(so);
        these.finished();
        so.series().forEach(these::patch);
        so.variants().forEach(these::variant);
        so.scenarios().forEach(these::scenario);
        return new RunResult(
                so.started(), so.duration(), so.environment(), these.results, so.directory());
    }

    /** Ids of scenarios that are red, but no more than on the base. */
    public static Set<String> redOnBoth(Validation so) {
        return so.scenarios().stream()
                .filter(each -> each.judgement() == Judgement.UNCHANGED)
                .filter(each -> Outcome.worst(each.head()).isRed())
                .map(ScenarioVerdict::name)
                .collect(Collectors.toSet());
    }

    /** Without it a validation that was cut off would look like one with nothing to complain of. */
    private void finished() {
        boolean known = so.unfinished().isEmpty() && so.exitStatus() != 3;
        add(
                "validation.finished",
                "whether the lab could find out",
                known ? Outcome.PASSED : Outcome.INFRASTRUCTURE,
                known ? "" : (MailReply.verdict(so) + "\n" + so.unfinished()).strip());
    }

    private void patch(Patch patch) {
        PatchVerdict verdict =
                so.patches().stream()
                        .filter(each -> each.patch().equals(patch))
                        .findFirst()
                        .orElse(null);
        boolean conflicts = so.conflict().startsWith(patch.place() + " ");
        boolean applies = !conflicts && (so.conflict().isEmpty() ? verdict != null : before(patch));
        step(patch, "applies", applies, conflicts, so.conflict());
        boolean builds = verdict != null && verdict.builds();
        step(
                patch,
                "builds",
                builds,
                verdict != null && !builds,
                verdict == null ? "" : verdict.build());
        step(
                patch,
                "boots",
                builds && verdict.boot().isEmpty(),
                builds && !verdict.boot().isEmpty(),
                verdict == null ? "" : verdict.boot());
    }

    /** Whether it was applied before the one that conflicts. */
    private boolean before(Patch patch) {
        return so.series().stream()
                .filter(each -> so.conflict().startsWith(each.place() + " "))
                .anyMatch(each -> patch.number() < each.number());
    }

    private void step(Patch patch, String step, boolean good, boolean bad, String why) {
        Outcome outcome = good ? Outcome.PASSED : bad ? Outcome.FAILED : Outcome.SKIPPED;
        add(
                "patch " + patch.place() + "." + step,
                patch.subject(),
                outcome,
                good ? "" : bad ? why : "it did not come to that");
    }

    private void variant(VariantVerdict each) {
        add(
                "variant " + each.variant() + ".runs",
                "whether a guest comes up with all patches",
                each.runs() ? Outcome.PASSED : Outcome.FAILED,
                (each.build() + "\n" + each.boot()).strip());
    }

    private void scenario(ScenarioVerdict each) {
        String told =
                each.judgement().label()
                        + ": base "
                        + MailReply.runs(each.base())
                        + "; head "
                        + MailReply.runs(each.head());
        if (each.blame() != null) {
            told += "; since " + each.blame().place() + " " + each.blame().subject();
        }
        Outcome outcome = outcome(each);
        results.add(
                result(
                        each.name(),
                        told,
                        outcome,
                        outcome == Outcome.PASSED ? "" : told + "\n" + each.message(),
                        each.directory(),
                        each.rerun()));
    }

    /** As said in CI.md. */
    private static Outcome outcome(ScenarioVerdict each) {
        return switch (each.judgement()) {
            case REGRESSED, UNCHANGED -> Outcome.worst(each.head());
            case FIXED, NEWLY_POSSIBLE -> Outcome.PASSED;
            case FLAKY, NO_LONGER_POSSIBLE -> Outcome.SKIPPED;
            case INFRASTRUCTURE -> Outcome.INFRASTRUCTURE;
        };
    }

    private void add(String id, String title, Outcome outcome, String message) {
        results.add(
                result(
                        id,
                        title,
                        outcome,
                        message,
                        null,
                        so.environment().getOrDefault("command", "")));
    }

    private ScenarioResult result(
            String id,
            String title,
            Outcome outcome,
            String message,
            Path directory,
            String rerun) {
        return new ScenarioResult(
                id,
                title,
                List.of(),
                outcome,
                message,
                "",
                so.started(),
                Duration.ZERO,
                "",
                directory,
                Map.of(),
                rerun,
                null,
                null);
    }
}
