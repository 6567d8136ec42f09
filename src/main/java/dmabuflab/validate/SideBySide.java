// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import dmabuflab.report.Outcome;
import dmabuflab.report.ScenarioResult;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;

/** Runs scenarios on base and head, and looks again at each that differs. */
final class SideBySide {
    private final Runs runs;
    private final int head;
    private final int repeats;
    private final String variant;
    private final Consumer<String> progress;
    private final Map<String, List<ScenarioResult>> before = new TreeMap<>();
    private final Map<String, List<ScenarioResult>> after = new TreeMap<>();

    /**
     * @param head how many patches there are
     * @param repeats how often to look again
     * @param variant the kernel's, for the verdicts
     */
    SideBySide(Runs runs, int head, int repeats, String variant, Consumer<String> progress) {
        this.runs = runs;
        this.head = head;
        this.repeats = repeats;
        this.variant = variant;
        this.progress = progress;
    }

    /**
     * Does so.
     *
     * @param why a word for the reports' names
     */
    List<ScenarioVerdict> compare(List<String> ids, String why) {
        progress.accept("%d scenarios on the base".formatted(ids.size()));
        add(before, runs.run(0, why, ids));
        progress.accept("%d scenarios on the head".formatted(ids.size()));
        add(after, runs.run(head, why, ids));
        Set<String> all = new TreeSet<>(before.keySet());
        all.addAll(after.keySet());
        Set<ScenarioResult> differ = new HashSet<>();
        for (String id : all) {
            if (Judgement.of(outcomes(before, id), outcomes(after, id)).isToBeRepeated()) {
                differ.add((after.containsKey(id) ? after : before).get(id).get(0));
            }
        }
        for (int n = 1; n <= repeats && !differ.isEmpty(); n++) {
            progress.accept(
                    "%d differ: looking again, %d of %d".formatted(differ.size(), n, repeats));
            add(before, runs.run(0, "again", Runs.selectors(differ)), ids(differ));
            add(after, runs.run(head, "again", Runs.selectors(differ)), ids(differ));
        }
        return all.stream().map(this::verdict).toList();
    }

    private static Set<String> ids(Set<ScenarioResult> results) {
        Set<String> ids = new HashSet<>();
        results.forEach(result -> ids.add(result.id()));
        return ids;
    }

    private static void add(
            Map<String, List<ScenarioResult>> to, Map<String, ScenarioResult> results) {
        add(to, results, results.keySet());
    }

    private static void add(
            Map<String, List<ScenarioResult>> to,
            Map<String, ScenarioResult> results,
            Set<String> ids) {
        for (String id : ids) {
            if (results.containsKey(id)) {
                to.computeIfAbsent(id, key -> new ArrayList<>()).add(results.get(id));
            } else if (to.containsKey(id)) {
                // A case that its scenario did not come to.
                to.get(id).add(to.get(id).get(0).skipped());
            }
        }
    }

    private static List<Outcome> outcomes(Map<String, List<ScenarioResult>> results, String id) {
        return results.getOrDefault(id, List.of()).stream().map(ScenarioResult::outcome).toList();
    }

    private ScenarioVerdict verdict(String id) {
        List<ScenarioResult> everything = new ArrayList<>(before.getOrDefault(id, List.of()));
        everything.addAll(after.getOrDefault(id, List.of()));
        ScenarioResult any = everything.get(everything.size() - 1);
        // The head's own word where it is red, else the base's.
        ScenarioResult telling =
                everything.stream()
                        .filter(result -> result.outcome() != Outcome.PASSED)
                        .reduce((one, later) -> later)
                        .orElse(any);
        return new ScenarioVerdict(
                id,
                any.isPart() ? any.partOf() : id,
                variant,
                outcomes(before, id),
                outcomes(after, id),
                Map.of(),
                telling.message(),
                telling.directory(),
                null,
                "",
                any.rerun());
    }
}
