// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.util.Map;

/** Which rule is proved by which scenarios, and what came out: plain text, a line each. */
final class RulesTable {
    private static final String FORMAT = "%-5s %-15s %s";

    private RulesTable() {}

    static String of(RunResult run) {
        StringBuilder text = new StringBuilder();
        line(text, "rule", "verdict", "scenarios");
        run.rules().forEach((rule, proofs) -> rule(text, rule, proofs));
        return text.toString();
    }

    private static void rule(StringBuilder text, String rule, Map<String, Outcome> proofs) {
        Outcome verdict = Outcome.worst(proofs.values());
        String first = rule;
        String verdictOnce = verdict.label();
        for (Map.Entry<String, Outcome> proof : proofs.entrySet()) {
            boolean same = proof.getValue() == verdict;
            line(
                    text,
                    first,
                    verdictOnce,
                    proof.getKey() + (same ? "" : " (" + proof.getValue().label() + ")"));
            first = "";
            verdictOnce = "";
        }
    }

    private static void line(StringBuilder text, String rule, String verdict, String scenario) {
        text.append(String.format(FORMAT, rule, verdict, scenario).stripTrailing()).append('\n');
    }
}
