// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.report.Cell;
import dmabuflab.report.Cell.Heading;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** What a scenario expects of one of its cases, on its way to the report as an entry of JUnit's. */
final class Expectation {
    private Expectation() {}

    /** A cell of a table whose rows and columns are in the order of the constants. */
    static Cell of(Enum<?> row, List<? extends Enum<?>> column, String expected) {
        return new Cell(heading(row), column.stream().map(Expectation::heading).toList(), expected);
    }

    private static Heading heading(Enum<?> constant) {
        List<?> all = List.of(constant.getDeclaringClass().getEnumConstants());
        return new Heading(all.indexOf(constant), constant.toString());
    }

    /** The value of the report entry. */
    static String value(Cell cell) {
        List<Heading> headings = new ArrayList<>(List.of(cell.row()));
        headings.addAll(cell.column());
        return headings.stream()
                .map(each -> each.order() + " " + each.name())
                .collect(Collectors.joining("\n", cell.expected() + "\n", ""));
    }

    /** Reads it back. */
    static Cell read(String value) {
        List<String> lines = value.lines().toList();
        List<Heading> headings =
                lines.stream()
                        .skip(1)
                        .map(line -> line.split(" ", 2))
                        .map(Expectation::heading)
                        .toList();
        return new Cell(headings.get(0), headings.subList(1, headings.size()), lines.get(0));
    }

    private static Heading heading(String[] words) {
        return new Heading(Integer.parseInt(words[0]), words[1]);
    }
}
