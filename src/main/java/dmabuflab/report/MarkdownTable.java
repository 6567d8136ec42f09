// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.util.ArrayList;
import java.util.List;

/** A table in Markdown, its columns padded so that it can be read as it is. */
final class MarkdownTable {
    private final List<List<String>> rows = new ArrayList<>();

    MarkdownTable(List<String> heading) {
        row(heading);
    }

    MarkdownTable(String... heading) {
        this(List.of(heading));
    }

    void row(String... cells) {
        row(List.of(cells));
    }

    /** Adds a row of as many cells as the heading has. */
    void row(List<String> cells) {
        // Whatever a name or a message contains, it must not begin another cell or line.
        rows.add(
                cells.stream()
                        .map(cell -> cell.replace("|", "\\|").replaceAll("\\s+", " "))
                        .toList());
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        line(text, rows.get(0), " ");
        line(text, rows.get(0).stream().map(cell -> "").toList(), "-");
        rows.subList(1, rows.size()).forEach(row -> line(text, row, " "));
        return text.toString();
    }

    private void line(StringBuilder text, List<String> cells, String filling) {
        for (int column = 0; column < cells.size(); column++) {
            String cell = cells.get(column);
            text.append("|").append(filling).append(cell);
            text.append(filling.repeat(width(column) - cell.length())).append(filling);
        }
        text.append("|\n");
    }

    private int width(int column) {
        return rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(0);
    }
}
