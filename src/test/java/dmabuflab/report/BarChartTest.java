// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dmabuflab.report.BarChart.Group;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class BarChartTest {
    private static Document chart(Map<String, Double> bars) throws Exception {
        BarChart chart = new BarChart("KiB", List.of(new Group("<kind>", new TreeMap<>(bars))));
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(chart.svg().getBytes(StandardCharsets.UTF_8)));
    }

    private static double width(Document svg, String colour) {
        NodeList rectangles = svg.getElementsByTagName("rect");
        for (int i = 0; i < rectangles.getLength(); i++) {
            Element rectangle = (Element) rectangles.item(i);
            if (rectangle.getAttribute("fill").equals(colour)) {
                return Double.parseDouble(rectangle.getAttribute("width"));
            }
        }
        throw new AssertionError("no bar in " + colour);
    }

    @Test
    void barsAreAsLongAsTheirLogarithm() throws Exception {
        Document svg = chart(Map.of("a", 10.0, "b", 1000.0));

        // Widths are rounded to a tenth.
        assertThat(width(svg, "#c05621")).isCloseTo(3 * width(svg, "#2b6cb0"), within(0.2));
        assertThat(svg.getDocumentElement().getTextContent())
                .contains("<kind>, a", "<kind>, b", "1000");
    }

    @Test
    void lessThanOneHasALabelOnly() throws Exception {
        Document svg = chart(Map.of("a", -0.2, "b", 5.0));

        assertThat(width(svg, "#2b6cb0")).isZero();
        assertThat(svg.getDocumentElement().getTextContent()).contains("-0.2");
    }
}
