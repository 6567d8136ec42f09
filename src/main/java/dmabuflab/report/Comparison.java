// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What is different between two reports, scenario by scenario and case by case.
 *
 * @param before what was run first, or is what the other one is measured against
 * @param rows of both reports, in the order of their ids
 */
public record Comparison(Side before, Side after, List<Row> rows) {

    /** What became of one scenario or case; red is failed, crashed or hung. */
    public enum Change {
        /** Red now, and was not. */
        REGRESSED,
        /** Passed now, and was red. */
        FIXED,
        /** Any other two outcomes, such as passed and then skipped. */
        CHANGED,
        /** Only in the second report; red or not, its outcome tells. */
        NEW,
        /** Only in the first report. */
        GONE,
        UNCHANGED;

        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * One report.
     *
     * @param kernel release and key of the kernel it was made on, "" when it does not say
     */
    public record Side(Path file, String kernel) {}

    /**
     * @param before empty when the first report does not have it; so {@code after} for the second
     * @param partOf id of the scenario it is a case of, "" for a scenario
     */
    public record Row(String id, String partOf, Optional<Outcome> before, Optional<Outcome> after) {

        public Change change() {
            if (before.isEmpty()) {
                return Change.NEW;
            } else if (after.isEmpty()) {
                return Change.GONE;
            } else if (before.equals(after)) {
                return Change.UNCHANGED;
            } else if (isRed() && !before.get().isRed()) {
                return Change.REGRESSED;
            }
            boolean fixed = before.get().isRed() && after.get() == Outcome.PASSED;
            return fixed ? Change.FIXED : Change.CHANGED;
        }

        /** Whether the kernel under test is at fault in the second report. */
        public boolean isRed() {
            return after.isPresent() && after.get().isRed();
        }
    }

    private record Entry(String partOf, Outcome outcome) {}

    /**
     * Reads two reports.
     *
     * @param before a report's directory, or its results.json; so {@code after}
     * @throws InfrastructureException when one cannot be read, or has no scenario in it
     */
    public static Comparison of(Path before, Path after) {
        Map<String, Entry> first = new TreeMap<>();
        Map<String, Entry> second = new TreeMap<>();
        Side one = read(before, first);
        Side two = read(after, second);
        Set<String> ids = new TreeSet<>(first.keySet());
        ids.addAll(second.keySet());
        List<Row> rows = new ArrayList<>();
        for (String id : ids) {
            Optional<Entry> was = Optional.ofNullable(first.get(id));
            Optional<Entry> is = Optional.ofNullable(second.get(id));
            rows.add(
                    new Row(
                            id,
                            is.or(() -> was).map(Entry::partOf).orElse(""),
                            was.map(Entry::outcome),
                            is.map(Entry::outcome)));
        }
        return new Comparison(one, two, rows);
    }

    /** How many rows had each change; what did not occur is absent. */
    public Map<Change, Integer> counts() {
        Map<Change, Integer> counts = new EnumMap<>(Change.class);
        rows.forEach(row -> counts.merge(row.change(), 1, Integer::sum));
        return counts;
    }

    /** True when something is red that was not, or that was not there. */
    public boolean isWorse() {
        return rows.stream()
                .anyMatch(
                        row ->
                                row.change() == Change.REGRESSED
                                        || (row.change() == Change.NEW && row.isRed()));
    }

    private static Side read(Path report, Map<String, Entry> into) {
        Path file = Files.isDirectory(report) ? report.resolve(ReportWriters.JSON) : report;
        try {
            JsonNode json = new ObjectMapper().readTree(Files.readAllBytes(file));
            for (JsonNode scenario : json.path("scenarios")) {
                String outcome = scenario.required("outcome").asText();
                into.put(
                        scenario.required("id").asText(),
                        new Entry(
                                scenario.path("partOf").asText(""),
                                Outcome.valueOf(outcome.toUpperCase(Locale.ROOT))));
            }
            if (into.isEmpty()) {
                throw new IOException("it has no scenarios");
            }
            return new Side(file, json.path("environment").path("kernel").asText(""));
        } catch (IOException | IllegalArgumentException e) {
            throw new InfrastructureException(
                    "cannot compare with " + report,
                    e.toString(),
                    "give the directory of a finished report, or its " + ReportWriters.JSON,
                    e);
        }
    }
}
