// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What running the catalogue on a kernel with a deliberate defect came to.
 *
 * @param when it was found out
 * @param red the scenarios that noticed, by id, and how; sorted
 * @param undecided why nothing can be said of it, "" when something can
 */
public record MutantFinding(Instant when, Map<String, Outcome> red, String undecided) {

    /** What a run on the mutant says of it. */
    public static MutantFinding of(RunResult run) {
        Map<String, Outcome> red = new TreeMap<>();
        for (ScenarioResult scenario : run.scenarios()) {
            if (scenario.outcome().isRed() && !scenario.isPart()) {
                red.put(scenario.id(), scenario.outcome());
            }
        }
        return new MutantFinding(run.started(), red, red.isEmpty() ? undecided(run) : "");
    }

    /** Of a run without anything red: what kept it from telling, "" if nothing did. */
    private static String undecided(RunResult run) {
        Optional<ScenarioResult> broken = first(run, Outcome.INFRASTRUCTURE);
        if (broken.isEmpty() && first(run, Outcome.PASSED).isEmpty()) {
            broken = first(run, Outcome.SKIPPED);
        }
        return broken.map(ScenarioResult::headline).orElse("");
    }

    private static Optional<ScenarioResult> first(RunResult run, Outcome outcome) {
        return run.scenarios().stream()
                .filter(scenario -> scenario.outcome() == outcome)
                .findFirst();
    }

    /** That of a mutant which did not build, or did not boot. */
    public static MutantFinding undecided(String why) {
        String line = why.lines().findFirst().orElse("for a reason that is not known");
        return new MutantFinding(Instant.now(), Map.of(), line);
    }

    /** That of a mutant which no scenario is there to notice. */
    public static MutantFinding unnoticed() {
        return new MutantFinding(Instant.now(), Map.of(), "");
    }

    /** What two runs of different scenarios on the same mutant say. */
    public MutantFinding and(MutantFinding later) {
        Map<String, Outcome> both = new TreeMap<>(red);
        both.putAll(later.red);
        String why = undecided.isEmpty() ? later.undecided : undecided;
        return new MutantFinding(when, both, both.isEmpty() ? why : "");
    }

    /**
     * What is red of some scenarios.
     *
     * @param scenarios names, without those of cases
     */
    public Map<String, Outcome> redAmong(Collection<String> scenarios) {
        Map<String, Outcome> among = new TreeMap<>(red);
        among.keySet().removeIf(id -> !scenarios.contains(ScenarioResult.scenarioId(id)));
        return among;
    }

    /** Whether a scenario was red because of the defect. */
    public boolean isKilled() {
        return !red.isEmpty();
    }

    /** Whether all scenarios ran and none was red. */
    public boolean hasSurvived() {
        return red.isEmpty() && undecided.isEmpty();
    }
}
