// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import dmabuflab.report.Rule.Proof;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The contract rule by rule, in Markdown: the scenarios that prove it and what they said in this
 * run, and the mutants that break it and who noticed.
 */
final class ContractPage {
    private static final int WIDTH = 80;

    /** More red cases than that of one scenario are only counted. */
    private static final int NAMED = 5;

    private final StringBuilder text = new StringBuilder();

    private ContractPage() {}

    /** All rules in one table: what is proved, and what is missing where it is not. */
    static String overview(List<RuleStatus> rules) {
        List<String> unproved =
                rules.stream().filter(r -> !r.missing().isEmpty()).map(r -> r.rule().id()).toList();
        MarkdownTable table =
                new MarkdownTable("rule", "verdict", "scenarios run", "mutants killed", "");
        for (RuleStatus status : rules) {
            table.row(
                    status.rule().id(),
                    status.verdict().map(Outcome::label).orElse("not run"),
                    status.complete() + " of " + status.rule().proofs().size(),
                    status.killed() + " of " + status.rule().mutants().size(),
                    status.missing().isEmpty()
                            ? "proved"
                            : "unproved: " + String.join(", ", status.missing()));
        }
        ContractPage page = new ContractPage();
        page.line(
                (rules.size() - unproved.size())
                        + " of "
                        + rules.size()
                        + " rules are proved"
                        + (unproved.isEmpty()
                                ? "."
                                : "; unproved: " + String.join(" ", unproved) + "."));
        page.line("");
        page.line(
                "A rule is proved if all its scenarios ran here and passed, or were skipped for a"
                        + " reason while others passed, and if a kernel broken on purpose has"
                        + " turned one of them red. Of mutants only what `./lab mutants` found out"
                        + " on this very kernel counts, with the mutant and the scenario as they"
                        + " are now; what is not known is \"not run\".");
        page.line("");
        page.text.append(table).append('\n');
        return page.text.toString();
    }

    /** All rules with what there is to prove each. */
    static String details(List<RuleStatus> rules) {
        ContractPage page = new ContractPage();
        rules.forEach(page::rule);
        return page.text.toString();
    }

    private void rule(RuleStatus status) {
        Rule rule = status.rule();
        line("### " + rule.id());
        line("");
        line(rule.text());
        line("");
        line(rule.proofs().isEmpty() ? "Proved by nothing." : "Proved by");
        line("");
        status.results().forEach((proof, results) -> proof(status, proof, results));
        if (!rule.proofs().isEmpty()) {
            line("");
        }
        line(rule.mutants().isEmpty() ? "Broken by nothing." : "Broken by");
        line("");
        rule.mutants().forEach((name, finding) -> mutant(status, name, finding));
        if (!rule.mutants().isEmpty()) {
            line("");
        }
    }

    private void proof(RuleStatus status, Proof proof, List<ScenarioResult> results) {
        String name = "`" + proof.scenario() + "`";
        if (results.isEmpty()) {
            item(name + ": not run");
            return;
        }
        Outcome worst = Outcome.worst(results.stream().map(ScenarioResult::outcome).toList());
        String cases = "";
        if (!status.isComplete(proof)) {
            cases = ", " + results.size() + " of " + proof.cases().size() + " cases";
        } else if (results.size() > 1) {
            cases = ", " + results.size() + " cases";
        }
        item(name + ": " + worst.label() + cases + others(results));
    }

    /** What did not pass among several cases. */
    private static String others(List<ScenarioResult> results) {
        if (results.size() == 1) {
            return "";
        }
        return results.stream()
                .filter(result -> result.outcome() != Outcome.PASSED)
                .collect(Collectors.groupingBy(ScenarioResult::outcome, Collectors.toList()))
                .entrySet()
                .stream()
                .sorted(Map.Entry.comparingByKey())
                .map(entry -> "; " + entry.getKey().label() + " " + names(entry.getValue()))
                .collect(Collectors.joining());
    }

    private static String names(List<ScenarioResult> results) {
        return results.size() > NAMED
                ? results.size() + " of them"
                : results.stream()
                        .map(result -> "`" + result.methodName() + "`")
                        .collect(Collectors.joining(" "));
    }

    private void mutant(RuleStatus status, String name, Optional<MutantFinding> known) {
        item("`" + name + "`: " + known.map(finding -> said(status, finding)).orElse("not run"));
    }

    private static String said(RuleStatus status, MutantFinding finding) {
        String when = ", " + LocalDate.ofInstant(finding.when(), ZoneOffset.UTC);
        if (!finding.undecided().isEmpty()) {
            return "undecided" + when + ": " + finding.undecided();
        } else if (finding.hasSurvived()) {
            return "survived" + when;
        }
        Map<String, Outcome> killers = status.killers(finding);
        return killers.isEmpty()
                ? "killed by "
                        + first(finding.red())
                        + when
                        + ", but by no scenario that proves this rule"
                : "killed by " + first(killers) + when;
    }

    private static String first(Map<String, Outcome> red) {
        Map.Entry<String, Outcome> first = red.entrySet().iterator().next();
        String more = red.size() == 1 ? "" : " and " + (red.size() - 1) + " more";
        return "`" + first.getKey() + "` (" + first.getValue().label() + ")" + more;
    }

    private void item(String words) {
        List<String> lines = Paragraph.wrap(words, WIDTH - 2);
        for (int i = 0; i < lines.size(); i++) {
            text.append(i == 0 ? "- " : "  ").append(lines.get(i)).append('\n');
        }
    }

    private void line(String words) {
        Paragraph.wrap(words, WIDTH).forEach(line -> text.append(line).append('\n'));
    }
}
