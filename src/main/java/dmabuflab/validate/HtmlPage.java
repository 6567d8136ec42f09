// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import dmabuflab.host.Progress;
import dmabuflab.report.Outcome;
import dmabuflab.report.Page;
import dmabuflab.report.SequenceDiagram;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A validation as one page that needs nothing else: for a browser, light or dark, and for print.
 */
public final class HtmlPage {
    private final Page text = new Page();

    private HtmlPage() {}

    /** The whole page. */
    public static String of(Validation so) {
        HtmlPage page = new HtmlPage();
        String verdict = MailReply.verdict(so);
        page.line("<h1 class=\"%s\">%s</h1>", so.exitStatus() == 0 ? "good" : "bad", verdict);
        if (!so.unfinished().isEmpty()) {
            page.line("<p class=odd>Not finished: %s</p>", so.unfinished());
        }
        page.facts(so);
        page.patches(so);
        page.variants(so);
        page.scenarios(so);
        page.coverage(so);
        return page.text.html(verdict);
    }

    private void facts(Validation so) {
        text.append("<table class=facts>\n");
        so.environment()
                .forEach((name, value) -> line("<tr><th>%s<td><code>%s</code></tr>", name, value));
        line("<tr><th>time<td>%s</tr>", Progress.text(so.duration()));
        text.append("</table>\n");
    }

    private void patches(Validation so) {
        text.append("<h2>Patches</h2>\n<table>\n<tr><th><th>patch<th>checkpatch<th>build");
        text.append("<th>new warnings<th>boot<th>code</tr>\n");
        for (PatchVerdict each : so.patches()) {
            line("<tr><td>%s<td>%s", each.patch().place(), each.patch().subject());
            lines(each.style());
            lines(each.build().lines().toList());
            lines(each.warnings());
            lines(each.notCompiled().stream().map(file -> "not compiled here: " + file).toList());
            lines(each.boot().lines().toList());
            cell(each.style().isEmpty() ? "good" : "odd", count(each.style()));
            cell(each.builds() ? "good" : "bad", each.builds() ? "builds" : "does not");
            cell(each.warnings().isEmpty() ? "good" : "odd", count(each.warnings()));
            boolean boots = each.boot().isEmpty();
            cell(
                    !each.builds() ? "dim" : boots ? "good" : "bad",
                    !each.builds() ? "-" : !boots ? "does not" : each.sameCode() ? "-" : "boots");
            cell("dim", !each.builds() ? "-" : each.sameCode() ? "the same" : "changed");
            text.append("</tr>\n");
        }
        text.append("</table>\n");
        if (!so.conflict().isEmpty()) {
            line("<pre class=bad>%s</pre>", so.conflict());
        }
    }

    private void scenarios(Validation so) {
        if (so.scenarios().isEmpty()) {
            return;
        }
        text.append("<h2>Scenarios</h2>\n<p>");
        List<String> words = new ArrayList<>();
        so.counts().forEach((judgement, count) -> words.add(count + " " + judgement.label()));
        line("%s.", String.join(", ", words));
        line(
                "What differs was run %s times on base and head. A letter for each run:"
                        + " + passed, F failed, C crashed, H hung, - skipped, ? the lab's own failure.</p>",
                so.repeats() + 1);
        text.append("<input type=checkbox id=all> <label for=all>show what is unchanged</label>\n");
        text.append("<div class=wide><table>\n<tr><th>scenario<th><th class=runs>base");
        for (Patch patch : so.series()) {
            boolean last = patch.number() == so.series().size();
            line("<th class=runs title=\"%s\">%s", patch.subject(), last ? "head" : patch.place());
        }
        text.append("</tr>\n");
        for (Judgement judgement : Judgement.values()) {
            so.scenarios().stream()
                    .filter(each -> each.judgement() == judgement)
                    .forEach(each -> scenario(so, each));
        }
        text.append("</table></div>\n");
    }

    private void variants(Validation so) {
        if (so.variants().isEmpty()) {
            return;
        }
        text.append("<h2>Variants of the kernel, with all patches</h2>\n<table>\n");
        for (VariantVerdict each : so.variants()) {
            line("<tr><th>%s", each.variant());
            cell(each.runs() ? "good" : "bad", MailReply.line(each));
            lines(each.build().lines().toList());
            lines(each.boot().lines().toList());
        }
        text.append("</table>\n");
    }

    private void coverage(Validation so) {
        if (so.coverage() == null) {
            return;
        }
        text.append("<h2>What was executed of each patch</h2>\n");
        line(
                "<p>By %s scenarios, %s of them red.</p>",
                so.coverage().scenarios(), so.coverage().red());
        text.append("<table>\n<tr><th><th>patch<th>lines<th>executed<th>branches<th>taken</tr>\n");
        for (PatchCoverage each : so.coverage().patches()) {
            Patch patch = so.series().get(each.number() - 1);
            line("<tr><td>%s<td>%s", patch.place(), patch.subject());
            for (PatchCoverage.Gap gap : each.gaps()) {
                line("<details><summary class=odd>%s</summary>", gap.line());
                lines(gap.text());
                text.append("</details>");
            }
            lines(each.notMeasured().stream().map(file -> "not measured: " + file).toList());
            line("<td>%s", each.lines());
            cell(each.executed() == each.lines() ? "good" : "odd", "" + each.executed());
            line("<td>%s<td>%s</tr>", each.branches(), each.taken());
        }
        text.append("</table>\n");
    }

    private void scenario(Validation so, ScenarioVerdict each) {
        boolean unchanged = each.judgement() == Judgement.UNCHANGED;
        line("<tr class=\"%s\"><td><code>%s</code>", unchanged ? "unchanged" : "", each.name());
        if (!each.message().isBlank() && !unchanged) {
            line("<details><summary class=dim>what it said</summary><pre>%s</pre>", each.message());
            line("<pre>%s</pre>", each.rerun());
            Path left = each.directory();
            if (left != null && left.startsWith(so.directory())) {
                Path folder = so.directory().relativize(left);
                line("<a href=\"%s/\">console, trace, witnesses</a>", folder);
                if (Files.exists(left.resolve(SequenceDiagram.FILE))) {
                    line("<a href=\"%s/%s\">what happened when</a>", folder, SequenceDiagram.FILE);
                }
            }
            text.append("</details>");
        }
        if (!each.whyNoBlame().isEmpty()) {
            line("<br><span class=dim>%s</span>", each.whyNoBlame());
        }
        cell(colour(each.judgement()), each.judgement().label());
        runs(each.base(), false);
        for (Patch patch : so.series()) {
            boolean last = patch.number() == so.series().size();
            runs(
                    last ? each.head() : each.between().getOrDefault(patch.number(), List.of()),
                    patch.equals(each.blame()));
        }
        text.append("</tr>\n");
    }

    private void runs(List<Outcome> outcomes, boolean since) {
        StringBuilder letters = new StringBuilder();
        outcomes.forEach(outcome -> letters.append(outcome.letter()));
        boolean red = outcomes.stream().anyMatch(Outcome::isRed);
        String colour = red ? "bad" : outcomes.contains(Outcome.PASSED) ? "good" : "dim";
        line("<td class=\"runs %s %s\">%s", colour, since ? "since" : "", letters);
    }

    private static String colour(Judgement judgement) {
        return switch (judgement) {
            case REGRESSED -> "bad";
            case FIXED -> "good";
            case UNCHANGED -> "dim";
            default -> "odd";
        };
    }

    private static String count(List<String> lines) {
        return lines.isEmpty() ? "-" : Integer.toString(lines.size());
    }

    private void cell(String colour, String words) {
        line("<td class=%s>%s", colour, words);
    }

    private void lines(List<String> lines) {
        if (!lines.isEmpty()) {
            line("<pre>%s</pre>", String.join("\n", lines));
        }
    }

    private void line(String format, Object... foreign) {
        text.line(format, foreign);
    }
}
