// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The run for a person who was not there, as Markdown that can be mailed as it is. */
final class FrontPage {
    private FrontPage() {}

    static String of(RunResult run, List<Rule> contract) {
        List<RuleStatus> rules = contract.stream().map(rule -> RuleStatus.of(rule, run)).toList();
        StringBuilder text = new StringBuilder();
        text.append("# What this run says of the contract\n\n");
        text.append(
                String.format(
                        Locale.ROOT,
                        "%s, %.1f s: %s\n\n",
                        run.started().truncatedTo(ChronoUnit.SECONDS),
                        run.duration().toMillis() / 1000.0,
                        counts(run.counts())));
        run.environment()
                .forEach((name, what) -> text.append("- " + name + ": " + oneLine(what) + "\n"));
        text.append("\n## The contract\n\n");
        text.append(ContractPage.overview(rules));
        text.append(CrossTable.of(run));
        text.append("## Rule by rule\n\n");
        text.append(ContractPage.details(rules));
        return text.toString().stripTrailing() + "\n";
    }

    private static String oneLine(String words) {
        return words.replaceAll("\\s+", " ");
    }

    private static String counts(Map<Outcome, Integer> counts) {
        return counts.entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey().label())
                .collect(Collectors.joining(", "));
    }
}
