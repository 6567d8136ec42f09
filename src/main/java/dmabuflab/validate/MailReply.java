// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import dmabuflab.host.Progress;
import dmabuflab.report.Outcome;
import dmabuflab.report.Paragraph;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A validation in plain text of 72 columns, made to be sent as an answer to the series. */
public final class MailReply {
    private static final int WIDTH = 72;
    private static final String QUOTE = "      | ";
    private static final int LINES_OF_STYLE = 5;
    private static final int LINES_OF_MESSAGE = 6;
    private static final int LINES_OF_GAPS = 10;
    private static final List<Judgement> TOLD =
            List.of(
                    Judgement.REGRESSED,
                    Judgement.FLAKY,
                    Judgement.INFRASTRUCTURE,
                    Judgement.FIXED,
                    Judgement.NO_LONGER_POSSIBLE,
                    Judgement.NEWLY_POSSIBLE);

    private final StringBuilder text = new StringBuilder();

    private MailReply() {}

    /** The whole text. */
    public static String of(Validation so) {
        MailReply reply = new MailReply();
        reply.verdict(so, verdict(so));
        reply.facts(so);
        reply.patches(so);
        reply.variants(so);
        reply.scenarios(so);
        reply.coverage(so);
        return reply.text.toString();
    }

    /** What there is to say of a patch, in one line. */
    static String line(PatchVerdict verdict) {
        if (!verdict.builds()) {
            return "does not build: "
                    + verdict.build().lines().skip(1).findFirst().orElse("").strip();
        }
        List<String> words = new ArrayList<>(List.of("builds"));
        if (!verdict.style().isEmpty()) {
            words.add("checkpatch has " + verdict.style().size());
        }
        if (!verdict.warnings().isEmpty()) {
            words.add(
                    verdict.warnings().size()
                            + (verdict.warnings().size() == 1 ? " new warning" : " new warnings"));
        }
        words.add(
                verdict.sameCode()
                        ? "same code as before"
                        : verdict.boot().isEmpty() ? "boots" : "DOES NOT BOOT");
        return String.join(", ", words);
    }

    /** The same of a variant. */
    static String line(VariantVerdict verdict) {
        return !verdict.build().isEmpty()
                ? "does not build: "
                        + verdict.build().lines().skip(1).findFirst().orElse("").strip()
                : verdict.sameCode()
                        ? "builds, same code as the base"
                        : verdict.boot().isEmpty() ? "builds, boots" : "builds, DOES NOT BOOT";
    }

    /** The most important finding, a sentence. */
    static String verdict(Validation so) {
        Map<Judgement, Integer> counts = so.counts();
        long bad = so.patches().stream().filter(patch -> !patch.runs()).count();
        if (!so.conflict().isEmpty()) {
            return "The series does not apply.";
        } else if (bad > 0) {
            return "%d of %d patches %s not build or boot."
                    .formatted(bad, so.series().size(), bad == 1 ? "does" : "do");
        } else if (so.variants().stream().anyMatch(variant -> !variant.runs())) {
            return "The series does not build or boot on every variant.";
        } else if (counts.containsKey(Judgement.REGRESSED)) {
            int count = counts.get(Judgement.REGRESSED);
            return count + (count == 1 ? " scenario regressed." : " scenarios regressed.");
        } else if (so.changesNothing() && so.isPartlyCompiled()) {
            return "No verdict: what changes is not compiled in this configuration.";
        } else if (so.exitStatus() != 0) {
            return "No verdict.";
        } else if (so.changesNothing()) {
            return "Nothing changes: base and head execute the same code.";
        }
        return "Nothing regressed.";
    }

    private void verdict(Validation so, String words) {
        line(words);
        if (!so.unfinished().isEmpty()) {
            paragraph("Not finished: " + so.unfinished(), "");
        }
        line("");
    }

    private void facts(Validation so) {
        so.environment()
                .forEach(
                        (name, value) -> {
                            List<String> lines = Paragraph.wrap(value, WIDTH - 14);
                            line(String.format(Locale.ROOT, "%-13s %s", name + ":", lines.get(0)));
                            lines.subList(1, lines.size())
                                    .forEach(more -> line(" ".repeat(14) + more));
                        });
        line(String.format(Locale.ROOT, "%-13s %s", "time:", Progress.text(so.duration())));
    }

    private void patches(Validation so) {
        line("");
        line("Patches");
        for (PatchVerdict verdict : so.patches()) {
            line("");
            paragraph(verdict.patch().place() + " " + verdict.patch().subject(), "  ");
            paragraph(line(verdict), "      ");
            verdict.build().lines().skip(1).forEach(each -> line("      " + each.strip()));
            if (!verdict.boot().isEmpty()) {
                verdict.boot()
                        .lines()
                        .limit(LINES_OF_MESSAGE)
                        .forEach(each -> line("      " + each));
            }
            some(verdict.style());
            some(verdict.warnings().stream().map(each -> "new warning: " + each).toList());
            if (!verdict.notCompiled().isEmpty()) {
                paragraph(
                        "not compiled in this configuration: "
                                + String.join(", ", verdict.notCompiled()),
                        "      ");
            }
            if (verdict.notLookedAt() > 0) {
                paragraph(
                        "warnings of " + verdict.notLookedAt() + " more objects were not looked at",
                        "      ");
            }
        }
        if (!so.conflict().isEmpty()) {
            line("");
            so.conflict().lines().limit(1).forEach(each -> paragraph(each, "  "));
            so.conflict().lines().skip(1).forEach(each -> line("    " + each));
        }
    }

    private void some(List<String> lines) {
        lines.stream().limit(LINES_OF_STYLE).forEach(each -> line("      " + each));
        if (lines.size() > LINES_OF_STYLE) {
            line("      and " + (lines.size() - LINES_OF_STYLE) + " more");
        }
    }

    private void variants(Validation so) {
        if (!so.variants().isEmpty()) {
            line("");
            line("All patches, on other variants of the kernel");
            line("");
        }
        for (VariantVerdict each : so.variants()) {
            paragraph(each.variant() + ": " + line(each), "  ");
            each.boot().lines().limit(LINES_OF_MESSAGE).forEach(words -> line("      " + words));
        }
    }

    private void coverage(Validation so) {
        Coverage coverage = so.coverage();
        if (coverage == null) {
            return;
        }
        line("");
        line("What was executed of each patch, by " + coverage.scenarios() + " scenarios");
        if (coverage.red() > 0) {
            paragraph("of which " + coverage.red() + " were red, and may have ended early", "  ");
        }
        for (PatchCoverage each : coverage.patches()) {
            line("");
            paragraph(so.series().get(each.number() - 1).place() + " " + each.line(), "  ");
            each.gaps().stream()
                    .limit(LINES_OF_GAPS)
                    .forEach(gap -> paragraph(gap.line(), "      "));
            if (each.gaps().size() > LINES_OF_GAPS) {
                line("      and " + (each.gaps().size() - LINES_OF_GAPS) + " more");
            }
            if (!each.notMeasured().isEmpty()) {
                paragraph("not measured: " + String.join(", ", each.notMeasured()), "      ");
            }
        }
    }

    private void scenarios(Validation so) {
        if (so.scenarios().isEmpty()) {
            return;
        }
        line("");
        line("Scenarios, on the base and with all patches");
        line("");
        Map<Judgement, Integer> counts = so.counts();
        for (Judgement judgement : Judgement.values()) {
            if (counts.containsKey(judgement)) {
                line(
                        String.format(
                                Locale.ROOT, "  %5d %s", counts.get(judgement), judgement.label()));
            }
        }
        long red =
                so.scenarios().stream()
                        .filter(each -> each.judgement() == Judgement.UNCHANGED)
                        .filter(each -> each.head().stream().anyMatch(Outcome::isRed))
                        .count();
        if (red > 0) {
            line("        of these " + red + " are red on both");
        }
        long nowhere =
                so.scenarios().stream()
                        .filter(each -> each.base().stream().allMatch(Outcome.SKIPPED::equals))
                        .filter(each -> each.head().stream().allMatch(Outcome.SKIPPED::equals))
                        .count();
        if (nowhere > 0) {
            line("        of these " + nowhere + " could run on neither");
        }
        paragraph(
                "What differs was run "
                        + (so.repeats() + 1)
                        + " times on both; regressed and fixed is only what was the same each time.",
                "  ");
        for (Judgement judgement : TOLD) {
            so.scenarios().stream()
                    .filter(each -> each.judgement() == judgement)
                    .forEach(this::scenario);
        }
    }

    private void scenario(ScenarioVerdict verdict) {
        line("");
        line("  " + verdict.judgement().label() + " " + verdict.name());
        line("      base " + runs(verdict.base()) + "; head " + runs(verdict.head()));
        if (verdict.blame() != null) {
            paragraph(
                    "since " + verdict.blame().place() + " " + verdict.blame().subject(), "      ");
        } else if (!verdict.whyNoBlame().isEmpty()) {
            paragraph("no patch is blamed: " + verdict.whyNoBlame(), "      ");
        }
        verdict.message()
                .lines()
                .filter(each -> !each.isBlank())
                .limit(LINES_OF_MESSAGE)
                .flatMap(each -> Paragraph.wrap(each.strip(), WIDTH - QUOTE.length()).stream())
                .forEach(each -> line(QUOTE + each));
        if (verdict.judgement() == Judgement.REGRESSED || verdict.judgement() == Judgement.FLAKY) {
            line("      " + verdict.rerun());
        }
    }

    /** {@code passed 4 of 4}, {@code failed 1 of 4, passed 3}. */
    static String runs(List<Outcome> outcomes) {
        if (outcomes.isEmpty()) {
            return "not there";
        }
        List<String> words = new ArrayList<>();
        for (Outcome outcome : Outcome.values()) {
            long count = outcomes.stream().filter(outcome::equals).count();
            if (count > 0) {
                words.add(outcome.label() + " " + count + " of " + outcomes.size());
            }
        }
        return String.join(", ", words);
    }

    private void paragraph(String words, String indent) {
        Paragraph.wrap(words, WIDTH - indent.length()).forEach(each -> line(indent + each));
    }

    private void line(String content) {
        text.append(content.stripTrailing()).append('\n');
    }
}
