// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import dmabuflab.report.Rule.Proof;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What one run, and the mutants that were tried on the same kernel, say of a rule.
 *
 * @param results each scenario's results in this run: of all its cases, or none
 */
record RuleStatus(Rule rule, Map<Proof, List<ScenarioResult>> results) {

    static RuleStatus of(Rule rule, RunResult run) {
        Map<Proof, List<ScenarioResult>> results = new LinkedHashMap<>();
        for (Proof proof : rule.proofs()) {
            results.put(
                    proof,
                    run.scenarios().stream()
                            .filter(result -> !result.isPart())
                            .filter(result -> result.scenarioId().equals(proof.scenario()))
                            .toList());
        }
        return new RuleStatus(rule, results);
    }

    /** Of all that ran; empty when nothing did. */
    Optional<Outcome> verdict() {
        List<Outcome> outcomes =
                results.values().stream().flatMap(List::stream).map(r -> r.outcome()).toList();
        return outcomes.isEmpty() ? Optional.empty() : Optional.of(Outcome.worst(outcomes));
    }

    /** Whether all cases of a scenario have a verdict in this run. */
    boolean isComplete(Proof proof) {
        List<String> ids = results.get(proof).stream().map(ScenarioResult::id).toList();
        return !ids.isEmpty() && ids.containsAll(proof.cases());
    }

    long complete() {
        return rule.proofs().stream().filter(this::isComplete).count();
    }

    /** Those of the scenarios that noticed a mutant which are there to prove this rule. */
    Map<String, Outcome> killers(MutantFinding finding) {
        return finding.redAmong(rule.proofs().stream().map(Proof::scenario).toList());
    }

    /** Mutants that a scenario of this rule has noticed. */
    long killed() {
        return rule.mutants().values().stream()
                .flatMap(Optional::stream)
                .filter(finding -> !killers(finding).isEmpty())
                .count();
    }

    /** What keeps the rule from being proved, empty when it is. */
    List<String> missing() {
        List<String> missing = new ArrayList<>();
        Optional<Outcome> verdict = verdict();
        if (rule.proofs().isEmpty()) {
            missing.add("no scenario");
        } else if (verdict.isEmpty()) {
            missing.add("not run");
        } else if (verdict.get() != Outcome.PASSED) {
            missing.add(verdict.get().label());
        } else if (complete() < rule.proofs().size()) {
            missing.add("run in part");
        }
        if (rule.mutants().isEmpty()) {
            missing.add("no mutant");
        } else if (killed() == 0) {
            boolean unknown = rule.mutants().values().stream().anyMatch(Optional::isEmpty);
            missing.add(unknown ? "mutants not run" : "no mutant killed");
        }
        return missing;
    }
}
