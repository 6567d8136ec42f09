// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

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
        StringWriter text = new StringWriter();
        try {
            XMLStreamWriter xml = XMLOutputFactory.newFactory().createXMLStreamWriter(text);
            write(xml);
            xml.close();
        } catch (XMLStreamException e) {
            throw new IllegalStateException("a string takes all XML there is", e);
        }
        return text + "\n";
    }

    private void write(XMLStreamWriter xml) throws XMLStreamException {
        int bars = groups.stream().mapToInt(group -> group.bars().size()).sum();
        int bottom = TOP + bars * BAR + groups.size() * GAP;
        xml.writeStartElement("svg");
        xml.writeDefaultNamespace("http://www.w3.org/2000/svg");
        attributes(xml, "viewBox", "0 0 " + WIDTH + " " + (bottom + 30));
        attributes(xml, "font-family", "sans-serif", "font-size", "13");
        rectangle(xml, 0, 0, WIDTH, bottom + 30, "white");
        text(xml, WIDTH / 2.0, 24, "middle", title);
        for (int decade = 0; decade <= decades(); decade++) {
            double x = x(Math.pow(10, decade));
            rectangle(xml, x, TOP, 1, bottom - TOP, "#cbd5e0");
            text(xml, x, bottom + 18, "middle", number(Math.pow(10, decade)));
        }
        double y = TOP + GAP / 2.0;
        for (Group group : groups) {
            y = write(xml, group, y) + GAP;
        }
        xml.writeEndElement();
    }

    /** Returns where it ends. */
    private double write(XMLStreamWriter xml, Group group, double top) throws XMLStreamException {
        double y = top;
        List<String> names = new ArrayList<>(group.bars().keySet());
        for (String name : names) {
            double value = group.bars().get(name);
            double end = x(Math.max(1, value));
            String colour = COLOURS.get(names.indexOf(name) % COLOURS.size());
            rectangle(xml, LEFT, y + 2, end - LEFT, BAR - 4, colour);
            text(xml, LEFT - 8, y + BAR - 5, "end", group.name() + ", " + name);
            text(xml, end + 6, y + BAR - 5, "start", number(value));
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
            XMLStreamWriter xml, double x, double y, double width, double height, String fill)
            throws XMLStreamException {
        xml.writeEmptyElement("rect");
        attributes(xml, "x", coordinate(x), "y", coordinate(y));
        attributes(xml, "width", coordinate(width), "height", coordinate(height), "fill", fill);
    }

    private static void text(XMLStreamWriter xml, double x, double y, String anchor, String words)
            throws XMLStreamException {
        xml.writeStartElement("text");
        attributes(xml, "x", coordinate(x), "y", coordinate(y), "text-anchor", anchor);
        xml.writeCharacters(words);
        xml.writeEndElement();
    }

    private static void attributes(XMLStreamWriter xml, String... namesAndValues)
            throws XMLStreamException {
        for (int i = 0; i < namesAndValues.length; i += 2) {
            xml.writeAttribute(namesAndValues[i], namesAndValues[i + 1]);
        }
    }

    private static String coordinate(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }
}
