// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/**
 * The run as the XML that CI servers show: one suite per class. Failed, crashed and hung scenarios
 * are failures whose type tells which; infrastructure problems are errors. The format has no word
 * for what was expected to be red: it counts as skipped, with what it said.
 *
 * <p>JUnit's own writer does not know outcomes, rules or directories, and would write the same
 * scenarios differently under the launcher and under Maven; hence from the result model.
 */
final class JunitXml {
    private static final DateTimeFormatter UTC =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss").withZone(ZoneOffset.UTC);

    private final XMLStreamWriter xml;
    private final Set<String> expectedRed;

    private JunitXml(XMLStreamWriter xml, Set<String> expectedRed) {
        this.xml = xml;
        this.expectedRed = expectedRed;
    }

    static String of(RunResult run, Set<String> expectedRed) {
        StringWriter text = new StringWriter();
        try {
            XMLStreamWriter xml = XMLOutputFactory.newInstance().createXMLStreamWriter(text);
            new JunitXml(xml, expectedRed).run(run);
            xml.close();
        } catch (XMLStreamException e) {
            throw new IllegalStateException("writing into a string cannot fail", e);
        }
        return text.toString();
    }

    private void run(RunResult run) throws XMLStreamException {
        xml.writeStartDocument("UTF-8", "1.0");
        newline(0);
        xml.writeStartElement("testsuites");
        attribute("name", "dmabuf-lab");
        counts(run.scenarios(), run.duration());
        for (Map.Entry<String, List<ScenarioResult>> suite : run.byClass().entrySet()) {
            suite(suite.getKey(), suite.getValue(), run);
        }
        newline(0);
        xml.writeEndElement();
        newline(0);
        xml.writeEndDocument();
    }

    private void suite(String name, List<ScenarioResult> scenarios, RunResult run)
            throws XMLStreamException {
        newline(1);
        xml.writeStartElement("testsuite");
        attribute("name", name);
        Duration total =
                scenarios.stream()
                        .map(ScenarioResult::duration)
                        .reduce(Duration.ZERO, Duration::plus);
        counts(scenarios, total);
        attribute(
                "timestamp",
                UTC.format(
                        scenarios.stream()
                                .map(ScenarioResult::started)
                                .min(Instant::compareTo)
                                .orElse(run.started())));
        if (!run.environment().isEmpty()) {
            newline(2);
            xml.writeStartElement("properties");
            for (Map.Entry<String, String> fact : run.environment().entrySet()) {
                property(3, fact.getKey(), fact.getValue());
            }
            newline(2);
            xml.writeEndElement();
        }
        for (ScenarioResult scenario : scenarios) {
            scenario(scenario);
        }
        newline(1);
        xml.writeEndElement();
    }

    private void scenario(ScenarioResult scenario) throws XMLStreamException {
        newline(2);
        xml.writeStartElement("testcase");
        attribute("name", scenario.methodName());
        attribute("classname", scenario.className());
        attribute("time", seconds(scenario.duration()));
        if (!scenario.rules().isEmpty()) {
            newline(3);
            xml.writeStartElement("properties");
            for (String rule : scenario.rules()) {
                property(4, "rule", rule);
            }
            newline(3);
            xml.writeEndElement();
        }
        problem(scenario);
        newline(3);
        xml.writeStartElement("system-out");
        xml.writeCharacters(clean(String.join("\n", notes(scenario))));
        xml.writeEndElement();
        newline(2);
        xml.writeEndElement();
    }

    private void problem(ScenarioResult scenario) throws XMLStreamException {
        switch (outcome(scenario)) {
            case PASSED:
                return;
            case SKIPPED:
                newline(3);
                xml.writeEmptyElement("skipped");
                attribute("message", scenario.headline());
                return;
            default:
                newline(3);
                xml.writeStartElement(scenario.outcome().isRed() ? "failure" : "error");
                attribute("message", scenario.headline());
                attribute("type", scenario.outcome().label());
                xml.writeCharacters(clean(scenario.message() + "\n\n" + scenario.details()));
                xml.writeEndElement();
        }
    }

    private static List<String> notes(ScenarioResult scenario) {
        List<String> notes = new ArrayList<>();
        notes.add(scenario.title());
        if (!scenario.boot().isEmpty()) {
            notes.add("guest: " + scenario.boot());
        }
        if (scenario.directory() != null) {
            notes.add("directory: " + scenario.directory());
        }
        scenario.witnesses()
                .forEach((who, said) -> said.forEach(line -> notes.add(who + ": " + line)));
        notes.add("again: " + scenario.rerun());
        return notes;
    }

    private void counts(Collection<ScenarioResult> scenarios, Duration duration)
            throws XMLStreamException {
        attribute("tests", String.valueOf(scenarios.size()));
        attribute(
                "failures",
                count(scenarios, List.of(Outcome.FAILED, Outcome.CRASHED, Outcome.HUNG)));
        attribute("errors", count(scenarios, List.of(Outcome.INFRASTRUCTURE)));
        attribute("skipped", count(scenarios, List.of(Outcome.SKIPPED)));
        attribute("time", seconds(duration));
    }

    private String count(Collection<ScenarioResult> scenarios, List<Outcome> outcomes) {
        return String.valueOf(
                scenarios.stream().filter(s -> outcomes.contains(outcome(s))).count());
    }

    private Outcome outcome(ScenarioResult scenario) {
        boolean expected = scenario.outcome().isRed() && expectedRed.contains(scenario.id());
        return expected ? Outcome.SKIPPED : scenario.outcome();
    }

    private void property(int depth, String name, String value) throws XMLStreamException {
        newline(depth);
        xml.writeEmptyElement("property");
        attribute("name", name);
        attribute("value", value);
    }

    private void attribute(String name, String value) throws XMLStreamException {
        xml.writeAttribute(name, clean(value));
    }

    private void newline(int depth) throws XMLStreamException {
        xml.writeCharacters("\n" + "  ".repeat(depth));
    }

    private static String seconds(Duration duration) {
        return String.format(Locale.ROOT, "%.3f", duration.toMillis() / 1000.0);
    }

    /** Without the characters that XML 1.0 has no way to write; consoles are full of them. */
    private static String clean(String text) {
        StringBuilder clean = new StringBuilder(text.length());
        text.codePoints().map(c -> allowed(c) ? c : 0xfffd).forEach(clean::appendCodePoint);
        return clean.toString();
    }

    private static boolean allowed(int c) {
        return c == '\t'
                || c == '\n'
                || c == '\r'
                || (c >= 0x20 && c <= 0xd7ff)
                || (c >= 0xe000 && c <= 0xfffd)
                || c >= 0x10000;
    }
}
