// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import static dmabuflab.report.Svg.number;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;

/**
 * Who did what to whom, on one clock, as an SVG document that needs nothing else. Time goes down; a
 * row has its time on the left and its words on the right, so that nothing overlaps.
 *
 * @param rows in the order of their time
 * @param notes what else to know, such as how well clocks could be compared; below the picture
 */
public record SequenceDiagram(List<Row> rows, List<String> notes) {
    /** Who takes part, from left to right. */
    public enum Lane {
        SCENARIO,
        EXPORTER,
        IMPORTER,
        CPU,
        IOMMU,
        DEVICE
    }

    /** Who tells of it: the lab's own call, the guest's kernel, or QEMU. */
    public enum Source {
        LAB,
        KERNEL,
        QEMU
    }

    /** How a row looks. */
    public enum Tone {
        PLAIN,
        /** Something that ends access, or tells of that. */
        CHANGE,
        /** A call that returns. */
        RETURN,
        /** Something that was refused. */
        REFUSED
    }

    /**
     * Something that happened, or a gap in which {@code from} is null and the words say what was
     * left out.
     *
     * @param at seconds since the first row
     * @param unsure whether the order with a neighbour is not known, by another clock
     * @param to the same as {@code from} when it concerns nobody else
     */
    public record Row(
            double at, boolean unsure, Source source, Lane from, Lane to, Tone tone, String words) {
        /** Something left out. */
        public static Row gap(double at, String words) {
            return new Row(at, false, null, null, null, Tone.PLAIN, words);
        }
    }

    /** What it is called in a scenario's folder. */
    public static final String FILE = "sequence.svg";

    private static final int WIDTH = 1140;
    private static final int LEFT = 132;
    private static final int LANE = 80;
    private static final int ROW = 22;
    private static final int TOP = 44;
    private static final int LONGEST = 66;

    /** For a document of its own; a page that has it inside has its own colours. */
    private static final String STYLE =
            """
            svg { color-scheme: light dark; background: Canvas; color: CanvasText;
              --line: #d0d4da; --dim: #5f6773; --good: #12693a; --bad: #b3121d; --odd: #8a5a00 }
            @media (prefers-color-scheme: dark) { svg {
              --line: #3a404a; --dim: #9aa3b0; --good: #5fcf92; --bad: #ff7b80; --odd: #e7b052 } }
            """;

    /** How rows look, in either. */
    static final String ROWS =
            """
            .seq { font: 12px system-ui, sans-serif; max-width: 1140px; width: 100%; height: auto }
            .seq text { fill: currentColor } .seq .dim { fill: var(--dim) }
            .seq .time { text-anchor: end; font-variant-numeric: tabular-nums; fill: var(--dim) }
            .seq .lane { font-weight: 600; text-anchor: middle } .seq .life { stroke: var(--line) }
            .seq .arrow line { stroke: currentColor; stroke-width: 1.3 } .seq .arrow path { fill: currentColor }
            .seq .change { color: var(--odd) } .seq .refused { color: var(--bad) }
            .seq .return { color: var(--dim) } .seq .return line { stroke-dasharray: 4 3 }
            .seq .gap { fill: var(--dim); font-style: italic }
            """;

    /** A document's content to be put into a page, which has {@link #ROWS}. */
    static String inline(String svg) {
        return svg.replaceFirst("(?s)<style>.*?</style>", "");
    }

    /** The document. */
    public String svg() {
        List<Lane> lanes = lanes();
        int bottom = TOP + rows.size() * ROW + 8;
        String height = number(bottom + 18 * notes.size() + 8);
        String viewBox = "0 0 %d %s".formatted(WIDTH, height);
        Svg svg =
                new Svg(
                        "class",
                        "seq",
                        "width",
                        number(WIDTH),
                        "height",
                        height,
                        "viewBox",
                        viewBox);
        svg.words("style", STYLE + ROWS);
        text(svg, LEFT - 50, 20, "time", "ms");
        for (Lane lane : lanes) {
            double x = x(lanes, lane);
            text(svg, x, 20, "lane", name(lane));
            line(svg, x, 28, x, bottom, "class", "life");
        }
        double y = TOP + ROW / 2.0;
        for (Row row : rows) {
            row(svg, lanes, row, y);
            y += ROW;
        }
        for (int i = 0; i < notes.size(); i++) {
            text(svg, LEFT - 42, bottom + 18 * (i + 1), "dim", notes.get(i));
        }
        return svg.document();
    }

    private void row(Svg svg, List<Lane> lanes, Row row, double y) {
        String time = String.format(Locale.ROOT, "%.3f", row.at() * 1000);
        if (row.from() == null) {
            text(svg, LEFT - 42, y + 4, "gap", row.words());
            return;
        }
        text(svg, LEFT - 50, y + 4, "time", (row.unsure() ? "\u2248 " : "") + time);
        svg.begin("g", "class", "arrow " + row.tone().name().toLowerCase(Locale.ROOT));
        double from = x(lanes, row.from());
        double to = x(lanes, row.to());
        svg.words("title", row.words());
        if (from == to) {
            svg.empty("path", "d", "M%s %sl5 5 -5 5 -5 -5z".formatted(number(from), number(y - 5)));
        } else {
            int back = from < to ? -7 : 7;
            line(svg, from, y, to + back, y);
            svg.empty("path", "d", "M%s %sl%d -4v8z".formatted(number(to), number(y), back));
        }
        int words = LEFT + LANE * lanes.size() + 40;
        text(svg, words, y + 4, "", shortened(row.words()));
        svg.end();
        text(svg, words - 48, y + 4, "dim", row.source().name().toLowerCase(Locale.ROOT));
    }

    /** Those that something happens to, and the two that it is all about. */
    private List<Lane> lanes() {
        TreeSet<Lane> lanes = new TreeSet<>(List.of(Lane.EXPORTER, Lane.IMPORTER));
        rows.stream()
                .filter(row -> row.from() != null)
                .forEach(row -> lanes.addAll(Arrays.asList(row.from(), row.to())));
        return List.copyOf(lanes);
    }

    private static double x(List<Lane> lanes, Lane lane) {
        return LEFT + LANE * (lanes.indexOf(lane) + 0.4);
    }

    private static String name(Lane lane) {
        boolean abbreviated = lane == Lane.CPU || lane == Lane.IOMMU;
        return abbreviated ? lane.name() : lane.name().toLowerCase(Locale.ROOT);
    }

    private static String shortened(String words) {
        return words.length() <= LONGEST ? words : words.substring(0, LONGEST - 1) + "\u2026";
    }

    private static void line(Svg svg, double x1, double y1, double x2, double y2, String... more) {
        List<String> attributes = new ArrayList<>(Arrays.asList(more));
        attributes.addAll(List.of("x1", number(x1), "y1", number(y1)));
        attributes.addAll(List.of("x2", number(x2), "y2", number(y2)));
        svg.empty("line", attributes.toArray(String[]::new));
    }

    private static void text(Svg svg, double x, double y, String kind, String words) {
        List<String> attributes = new ArrayList<>(List.of("x", number(x), "y", number(y)));
        if (!kind.isEmpty()) {
            attributes.addAll(List.of("class", kind));
        }
        svg.words("text", words, attributes.toArray(String[]::new));
    }
}
