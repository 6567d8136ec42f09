// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Groups of bars over a logarithmic axis that begins with 1, as an SVG document that needs nothing
 * else. What is less than 1 has a label and no bar.
 *
 * @param title what the numbers are, with their unit
 */
public record BarChart(String title, List<Group> groups) {
    /** Bars next to each other: the same things, in each group's own case. */
    public record Group(String name, Map<String, Double> bars) {}

    private static final List<String> COLOURS = List.of("#2b6cb0", "#c05621", "#4a5568");
    private static final int WIDTH = 760;
    private static final int LEFT = 290;
    private static final int RIGHT = 90;
    private static final int TOP = 44;
    private static final int BAR = 20;
    private static final int GAP = 18;

    /** The document. */
    public String svg() {
        int bars = groups.stream().mapToInt(group -> group.bars().size()).sum();
        int bottom = TOP + bars * BAR + groups.size() * GAP;
        String viewBox = "0 0 " + WIDTH + " " + (bottom + 30);
        Svg svg = new Svg("viewBox", viewBox, "font-family", "sans-serif", "font-size", "13");
        rectangle(svg, 0, 0, WIDTH, bottom + 30, "white");
        text(svg, WIDTH / 2.0, 24, "middle", title);
        for (int decade = 0; decade <= decades(); decade++) {
            double x = x(Math.pow(10, decade));
            rectangle(svg, x, TOP, 1, bottom - TOP, "#cbd5e0");
            text(svg, x, bottom + 18, "middle", number(Math.pow(10, decade)));
        }
        double y = TOP + GAP / 2.0;
        for (Group group : groups) {
            y = write(svg, group, y) + GAP;
        }
        return svg.document();
    }

    /** Returns where it ends. */
    private double write(Svg svg, Group group, double top) {
        double y = top;
        List<String> names = new ArrayList<>(group.bars().keySet());
        for (String name : names) {
            double value = group.bars().get(name);
            double end = x(Math.max(1, value));
            String colour = COLOURS.get(names.indexOf(name) % COLOURS.size());
            rectangle(svg, LEFT, y + 2, end - LEFT, BAR - 4, colour);
            text(svg, LEFT - 8, y + BAR - 5, "end", group.name() + ", " + name);
            text(svg, end + 6, y + BAR - 5, "start", number(value));
            y += BAR;
        }
        return y;
    }

    private double x(double value) {
        return LEFT + (WIDTH - LEFT - RIGHT) * Math.log10(value) / decades();
    }

    private int decades() {
        double largest =
                groups.stream()
                        .flatMap(group -> group.bars().values().stream())
                        .reduce(1.0, Math::max);
        return Math.max(1, (int) Math.ceil(Math.log10(largest)));
    }

    private static String number(double value) {
        // Without the sign of a zero.
        double rounded = Math.round(value * 10) / 10.0 + 0.0;
        boolean whole = rounded >= 10 || rounded == 1;
        return String.format(Locale.ROOT, whole ? "%.0f" : "%.1f", rounded);
    }

    private static void rectangle(
            Svg svg, double x, double y, double width, double height, String fill) {
        svg.empty(
                "rect",
                "x",
                Svg.number(x),
                "y",
                Svg.number(y),
                "width",
                Svg.number(width),
                "height",
                Svg.number(height),
                "fill",
                fill);
    }

    private static void text(Svg svg, double x, double y, String anchor, String words) {
        svg.words("text", words, "x", Svg.number(x), "y", Svg.number(y), "text-anchor", anchor);
    }
}
