// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The cases of each scenario that has told what it expects of them, as a table in Markdown: in each
 * cell what has to come of the case, and what its verdict was.
 */
final class CrossTable {
    private static final Comparator<List<Cell.Heading>> COLUMNS = CrossTable::compare;

    /** What did not happen must not look like what passed. */
    private static final String NOTHING = "-";

    private CrossTable() {}

    /** All tables of a run, each with a heading; "" when there is none. */
    static String of(RunResult run) {
        Map<String, List<ScenarioResult>> scenarios = new LinkedHashMap<>();
        for (ScenarioResult result : run.scenarios()) {
            if (result.cell() != null) {
                scenarios.computeIfAbsent(result.scenarioId(), id -> new ArrayList<>()).add(result);
            }
        }
        StringBuilder text = new StringBuilder();
        scenarios.forEach((id, cases) -> table(text, id, cases));
        return text.toString();
    }

    private static void table(StringBuilder text, String id, List<ScenarioResult> cases) {
        Map<Cell.Heading, Map<List<Cell.Heading>, String>> rows = new TreeMap<>();
        Set<List<Cell.Heading>> columns = new TreeSet<>(COLUMNS);
        for (ScenarioResult each : cases) {
            columns.add(each.cell().column());
            rows.computeIfAbsent(each.cell().row(), row -> new TreeMap<>(COLUMNS))
                    .put(each.cell().column(), cell(each));
        }
        text.append("## ").append(id).append("\n\n");
        text.append(cases.get(0).title()).append("\n\n");
        text.append(table(rows, columns)).append('\n');
        text.append("What has to come of each case; +: it passed. ");
        text.append(NOTHING).append(": nothing is known of it in this run.\n\n");
    }

    private static MarkdownTable table(
            Map<Cell.Heading, Map<List<Cell.Heading>, String>> rows,
            Set<List<Cell.Heading>> columns) {
        MarkdownTable table = null;
        int levels = columns.iterator().next().size();
        for (int level = 0; level < levels; level++) {
            List<String> line = new ArrayList<>(List.of(""));
            List<Cell.Heading> before = List.of();
            for (List<Cell.Heading> column : columns) {
                List<Cell.Heading> here = column.subList(0, level + 1);
                line.add(here.equals(before) ? "" : column.get(level).name());
                before = here;
            }
            // Markdown has one line of headings; the others are rows.
            if (table == null) {
                table = new MarkdownTable(line);
            } else {
                table.row(line);
            }
        }
        for (Map.Entry<Cell.Heading, Map<List<Cell.Heading>, String>> row : rows.entrySet()) {
            List<String> line = new ArrayList<>(List.of("`" + row.getKey().name() + "`"));
            columns.forEach(column -> line.add(row.getValue().getOrDefault(column, NOTHING)));
            table.row(line);
        }
        return table;
    }

    private static String cell(ScenarioResult result) {
        String expected = result.cell().expected();
        return result.outcome() == Outcome.PASSED
                ? expected + " +"
                : expected + ": **" + result.outcome().label() + "**";
    }

    private static int compare(List<Cell.Heading> one, List<Cell.Heading> other) {
        for (int level = 0; level < one.size(); level++) {
            int order = one.get(level).compareTo(other.get(level));
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }
}
