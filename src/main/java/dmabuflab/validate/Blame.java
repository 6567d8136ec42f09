// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import dmabuflab.report.Outcome;
import dmabuflab.report.ScenarioResult;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Finds the first patch with which a scenario is red, by halving the series. What it finds is
 * believed only when the scenario is red there and not red one patch before in every repeat.
 */
final class Blame {
    private final Runs runs;
    private final Validation so;
    private final Consumer<String> progress;
    private final Map<Integer, Map<String, List<Outcome>>> seen = new HashMap<>();
    private final Map<Integer, Map<String, ScenarioResult>> last = new HashMap<>();

    Blame(Runs runs, Validation so, Consumer<String> progress) {
        this.runs = runs;
        this.so = so;
        this.progress = progress;
    }

    /** A scenario that is not red at one patch and red at another, with nothing known between. */
    private record Interval(ScenarioVerdict scenario, int good, int bad) {}

    /** Verdicts on regressed scenarios, with the patch to blame in them. */
    List<ScenarioVerdict> blame(List<ScenarioVerdict> regressed) {
        List<Interval> open = new ArrayList<>();
        regressed.forEach(each -> open.add(new Interval(each, 0, so.series().size())));
        while (true) {
            Map<Integer, List<Interval>> wanted = new TreeMap<>();
            for (Interval interval : open) {
                int middle = middle(interval);
                if (middle > 0) {
                    wanted.computeIfAbsent(middle, key -> new ArrayList<>()).add(interval);
                }
            }
            if (wanted.isEmpty()) {
                break;
            }
            Map.Entry<Integer, List<Interval>> next = wanted.entrySet().iterator().next();
            run(next.getKey(), next.getValue().stream().map(Interval::scenario).toList(), "bisect");
            for (Interval interval : next.getValue()) {
                boolean red = isRed(next.getKey(), interval.scenario().id());
                open.set(
                        open.indexOf(interval),
                        red
                                ? new Interval(interval.scenario(), interval.good(), next.getKey())
                                : new Interval(interval.scenario(), next.getKey(), interval.bad()));
            }
        }
        confirm(open);
        return open.stream().map(this::verdict).toList();
    }

    /** A patch in between that scenarios can run on, near the middle; 0 if there is none. */
    private int middle(Interval interval) {
        int half = (interval.good() + interval.bad()) / 2;
        for (int away = 0; away <= interval.bad() - interval.good(); away++) {
            for (int candidate : new int[] {half - away, half + away}) {
                if (candidate > interval.good()
                        && candidate < interval.bad()
                        && so.patches().get(candidate - 1).runs()) {
                    return candidate;
                }
            }
        }
        return 0;
    }

    /** Looks again at what halving has found; base and head have been repeated already. */
    private void confirm(List<Interval> found) {
        Map<Integer, List<ScenarioVerdict>> at = new TreeMap<>();
        for (Interval interval : found) {
            for (int applied : new int[] {interval.good(), interval.bad()}) {
                if (applied > 0 && applied < so.series().size()) {
                    at.computeIfAbsent(applied, key -> new ArrayList<>()).add(interval.scenario());
                }
            }
        }
        at.forEach(
                (applied, scenarios) -> {
                    for (int n = 0; n < so.repeats(); n++) {
                        run(applied, scenarios, "confirm");
                    }
                });
    }

    private ScenarioVerdict verdict(Interval found) {
        String id = found.scenario().id();
        boolean steady = steady(found.good(), id, false) && steady(found.bad(), id, true);
        String rerun =
                found.bad() == so.series().size()
                        ? found.scenario().rerun()
                        : Optional.ofNullable(last.get(found.bad()).get(id))
                                .map(ScenarioResult::rerun)
                                .orElse(found.scenario().rerun());
        Map<Integer, List<Outcome>> between = new TreeMap<>();
        seen.forEach(
                (applied, outcomes) -> {
                    if (outcomes.containsKey(id)) {
                        between.put(applied, outcomes.get(id));
                    }
                });
        if (!steady) {
            return found.scenario()
                    .blaming(
                            null,
                            "it is not the same in all runs on patches between",
                            rerun,
                            between);
        } else if (found.bad() - found.good() > 1) {
            return found.scenario()
                    .blaming(
                            null,
                            "it came with one of %d to %d, between which no kernel runs"
                                    .formatted(found.good() + 1, found.bad()),
                            rerun,
                            between);
        }
        return found.scenario().blaming(so.series().get(found.bad() - 1), "", rerun, between);
    }

    private void run(int applied, List<ScenarioVerdict> scenarios, String why) {
        progress.accept(
                "looking at patch %d/%d for what regressed".formatted(applied, so.series().size()));
        List<String> selectors =
                scenarios.stream().map(ScenarioVerdict::scenario).distinct().toList();
        Map<String, ScenarioResult> results = runs.run(applied, why, selectors);
        last.put(applied, results);
        for (ScenarioVerdict scenario : scenarios) {
            ScenarioResult result = results.get(scenario.id());
            seen.computeIfAbsent(applied, key -> new HashMap<>())
                    .computeIfAbsent(scenario.id(), key -> new ArrayList<>())
                    .add(result == null ? Outcome.SKIPPED : result.outcome());
        }
    }

    private boolean isRed(int applied, String id) {
        return seen.get(applied).get(id).stream().anyMatch(Outcome::isRed);
    }

    /** Whether all runs there say the same; of base and head that has been seen before. */
    private boolean steady(int applied, String id, boolean red) {
        return applied == 0
                || applied == so.series().size()
                || seen.get(applied).get(id).stream()
                        .allMatch(each -> each.isRed() == red && each != Outcome.INFRASTRUCTURE);
    }
}
