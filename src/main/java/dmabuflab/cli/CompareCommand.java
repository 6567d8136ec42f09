// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static java.util.stream.Collectors.toList;
import static java.util.stream.Collectors.toSet;

import dmabuflab.report.Comparison;
import dmabuflab.report.Comparison.Change;
import dmabuflab.report.Comparison.Row;
import dmabuflab.report.Outcome;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "compare",
        description = {
            "Shows what is different between two reports, case by case.",
            "For instance of a kernel without the series, and of one with it."
        },
        footer = {
            "",
            "Exit status: 0 nothing got worse; 1 something failed, crashed or hung in AFTER that",
            "did not in BEFORE; 2 wrong usage; 3 a report cannot be read."
        },
        mixinStandardHelpOptions = true)
final class CompareCommand implements Callable<Integer> {
    /** A scenario takes its cases with it as it comes or goes: they are only counted then. */
    private static final Set<Change> WHOLE = Set.of(Change.NEW, Change.GONE);

    @Spec CommandSpec spec;

    @Parameters(index = "0", paramLabel = "BEFORE", description = "a report's directory")
    Path before;

    @Parameters(index = "1", paramLabel = "AFTER", description = "another one's")
    Path after;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        Comparison comparison = Comparison.of(before, after);
        out.printf("before  %s  %s%n", comparison.before().kernel(), before);
        out.printf("after   %s  %s%n%n", comparison.after().kernel(), after);
        Map<Change, List<Row>> told =
                comparison.rows().stream()
                        .filter(row -> row.change() != Change.UNCHANGED)
                        .collect(Collectors.groupingBy(Row::change, TreeMap::new, toList()));
        Set<String> ids =
                told.values().stream().flatMap(List::stream).map(Row::id).collect(toSet());
        told.values().forEach(rows -> print(out, rows, ids));
        out.println(
                Arrays.stream(Change.values())
                        .map(c -> comparison.counts().getOrDefault(c, 0) + " " + c.label())
                        .collect(Collectors.joining(", ")));
        out.flush();
        return comparison.isWorse() ? 1 : 0;
    }

    private static void print(PrintWriter out, List<Row> rows, Set<String> ids) {
        for (Row row : rows) {
            boolean folded = WHOLE.contains(row.change()) && ids.contains(row.partOf());
            if (!folded || row.isRed()) {
                out.printf(
                        "%-10s %-14s -> %-14s %s%n",
                        row.change().label(), label(row.before()), label(row.after()), row.id());
            }
        }
    }

    private static String label(Optional<Outcome> outcome) {
        return outcome.map(Outcome::label).orElse("-");
    }
}
