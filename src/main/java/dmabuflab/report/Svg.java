// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.io.StringWriter;
import java.util.Locale;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/** An SVG document that is being written. Attributes are names and values in turn. */
final class Svg {
    private final StringWriter text = new StringWriter();
    private final XMLStreamWriter xml;

    /** A piece of writing. */
    private interface Piece {
        void write() throws XMLStreamException;
    }

    Svg(String... attributes) {
        try {
            xml = XMLOutputFactory.newFactory().createXMLStreamWriter(text);
        } catch (XMLStreamException e) {
            throw new IllegalStateException("a string takes all XML there is", e);
        }
        write(
                () -> {
                    xml.writeStartElement("svg");
                    xml.writeDefaultNamespace("http://www.w3.org/2000/svg");
                    attributes(attributes);
                });
    }

    /** Begins an element that others are in, until {@link #end}. */
    void begin(String element, String... attributes) {
        write(
                () -> {
                    xml.writeStartElement(element);
                    attributes(attributes);
                });
    }

    void end() {
        write(xml::writeEndElement);
    }

    /** An element with nothing in it. */
    void empty(String element, String... attributes) {
        write(
                () -> {
                    xml.writeEmptyElement(element);
                    attributes(attributes);
                });
    }

    /** An element with words in it. */
    void words(String element, String words, String... attributes) {
        begin(element, attributes);
        write(() -> xml.writeCharacters(words));
        end();
    }

    /** The whole of it. */
    String document() {
        end();
        write(xml::close);
        return text + "\n";
    }

    /** A coordinate, without a fraction that says nothing: a page has thousands of them. */
    static String number(double value) {
        String text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }

    private void attributes(String... namesAndValues) throws XMLStreamException {
        for (int i = 0; i < namesAndValues.length; i += 2) {
            xml.writeAttribute(namesAndValues[i], namesAndValues[i + 1]);
        }
    }

    private static void write(Piece piece) {
        try {
            piece.write();
        } catch (XMLStreamException e) {
            throw new IllegalStateException("a string takes all XML there is", e);
        }
    }
}
