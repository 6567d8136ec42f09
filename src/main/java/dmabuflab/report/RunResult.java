// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A whole run.
 *
 * @param environment what it ran on: kernel key, series, QEMU, accelerator and why, machine;
 *     incomplete when the lab could not be set up
 * @param scenarios in the order of their ids, and among them the parts of those that have parts
 * @param directory the report
 */
public record RunResult(
        Instant started,
        Duration duration,
        Map<String, String> environment,
        List<ScenarioResult> scenarios,
        Path directory) {

    /** Exit status of the worst outcome; that of the lab's own failure when nothing ran. */
    public int exitStatus() {
        return scenarios.isEmpty()
                ? Outcome.INFRASTRUCTURE.exitStatus()
                : Outcome.worst(scenarios.stream().map(ScenarioResult::outcome).toList())
                        .exitStatus();
    }

    /** How many scenarios had each outcome; outcomes that did not occur are absent. */
    public Map<Outcome, Integer> counts() {
        return counts(false);
    }

    /** The same of the cases that are parts of scenarios. */
    public Map<Outcome, Integer> partCounts() {
        return counts(true);
    }

    private Map<Outcome, Integer> counts(boolean parts) {
        Map<Outcome, Integer> counts = new EnumMap<>(Outcome.class);
        scenarios.stream()
                .filter(scenario -> scenario.isPart() == parts)
                .forEach(scenario -> counts.merge(scenario.outcome(), 1, Integer::sum));
        return counts;
    }

    /** Rule id to the scenarios that prove it, with their outcomes; sorted by rule. */
    public Map<String, Map<String, Outcome>> rules() {
        Map<String, Map<String, Outcome>> rules = new TreeMap<>();
        for (ScenarioResult scenario : scenarios) {
            for (String rule : scenario.rules()) {
                rules.computeIfAbsent(rule, r -> new LinkedHashMap<>())
                        .put(scenario.id(), scenario.outcome());
            }
        }
        return rules;
    }

    /** Class name to its scenarios, both in the order in which they come. */
    Map<String, List<ScenarioResult>> byClass() {
        Map<String, List<ScenarioResult>> classes = new LinkedHashMap<>();
        for (ScenarioResult scenario : scenarios) {
            classes.computeIfAbsent(scenario.className(), name -> new ArrayList<>()).add(scenario);
        }
        return classes;
    }
}
