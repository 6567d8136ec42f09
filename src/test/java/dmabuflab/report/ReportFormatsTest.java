// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.SchemaFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

class ReportFormatsTest {
    private static final Path REPORT = Path.of("report");
    private final RunResult run = SampleRun.in(REPORT);

    @Test
    void ktap() throws IOException {
        assertThat(Ktap.of(run, Set.of())).isEqualTo(SampleRun.resource("results.ktap"));
    }

    @Test
    void rulesTable() throws IOException {
        assertThat(RulesTable.of(run)).isEqualTo(SampleRun.resource("rules.txt"));
    }

    @Test
    void summary() throws IOException {
        assertThat(Summary.of(run, false)).isEqualTo(SampleRun.resource("summary.txt"));
    }

    @Test
    void summaryWithColoursSaysTheSame() throws IOException {
        String coloured = Summary.of(run, true);
        assertThat(coloured).contains("\u001b[31mcrashed       \u001b[0m byReset");
        assertThat(coloured.replaceAll("\u001b\\[\\d+m", ""))
                .isEqualTo(SampleRun.resource("summary.txt"));
    }

    @Test
    void summaryKeepsLongNamesAndWrapsLongMessages() {
        String method = "aMethod".repeat(8);
        ScenarioResult scenario =
                SampleRun.scenario(
                        "Class." + method,
                        List.of(),
                        Outcome.FAILED,
                        "word ".repeat(40),
                        1,
                        REPORT);
        String text = Summary.of(runOf(scenario), false);
        assertThat(text).contains("failed         " + method + "\n");
        assertThat(text.lines().filter(line -> !line.contains(method)))
                .allMatch(line -> line.length() <= 80);
    }

    @Test
    void summaryCountsPartsAndShowsThoseThatAreRed() {
        ScenarioResult whole =
                SampleRun.scenario("S.whole", List.of(), Outcome.FAILED, "1 of 3", 1, null);
        List<ScenarioResult> rows = new ArrayList<>(List.of(whole));
        for (Outcome outcome : List.of(Outcome.FAILED, Outcome.PASSED, Outcome.SKIPPED)) {
            ScenarioResult part =
                    SampleRun.scenario("S.whole[" + outcome + "]", List.of(), outcome, "", 0, null);
            rows.add(SampleRun.asPartOf("S.whole", part));
        }
        RunResult parts =
                new RunResult(run.started(), run.duration(), Map.of(), rows, run.directory());

        assertThat(Summary.of(parts, false))
                .contains("  failed         whole ", "  failed         whole[FAILED]")
                .doesNotContain("[PASSED]", "[SKIPPED]")
                .contains("1 scenario in 61.5 s: 1 failed\n")
                .contains("their cases: 1 passed, 1 failed, 1 skipped\n");
        assertThat(parts.exitStatus()).isEqualTo(1);
        assertThat(ResultsJson.of(parts)).contains("\"partOf\" : \"S.whole\"");
        assertThat(Ktap.of(parts, Set.of())).contains("1..4\n", "  not ok 2 whole[FAILED]\n");
    }

    @Test
    void json() throws IOException {
        JsonNode json = new ObjectMapper().readTree(ResultsJson.of(run));

        List<String> members = new ArrayList<>();
        json.fieldNames().forEachRemaining(members::add);
        assertThat(members)
                .containsExactly(
                        "format",
                        "started",
                        "durationMs",
                        "exitStatus",
                        "environment",
                        "counts",
                        "partCounts",
                        "scenarios",
                        "rules");
        assertThat(json.get("started").asText()).isEqualTo("2026-05-04T03:02:01.500Z");
        assertThat(json.get("exitStatus").asInt()).isEqualTo(1);
        assertThat(json.at("/counts/passed").asInt()).isEqualTo(2);
        assertThat(json.at("/environment/kernel").asText()).isEqualTo("7.3.4 0123abcd");
        assertThat(json.get("scenarios")).hasSize(7);
        JsonNode failed = json.at("/scenarios/4");
        assertThat(failed.get("id").asText()).isEqualTo("Revoke.byMemoryEnable");
        assertThat(failed.get("outcome").asText()).isEqualTo("failed");
        assertThat(failed.get("directory").asText()).isEqualTo("Revoke.byMemoryEnable");
        assertThat(failed.get("durationMs").asInt()).isEqualTo(500);
        assertThat(failed.at("/witnesses/hardware/0").asText()).isEqualTo("0x1000 -> 0xfe000000");
        assertThat(failed.get("rerun").asText()).isEqualTo("./lab run 'Revoke.byMemoryEnable'");
        assertThat(json.at("/scenarios/0/directory").isNull()).isTrue();
        assertThat(json.at("/rules/RV1/verdict").asText()).isEqualTo("crashed");
        assertThat(json.at("/rules/RV1/scenarios/Query.everyPage").asText()).isEqualTo("passed");
    }

    @Test
    void junitXmlIsWhatCiServersUnderstand() throws Exception {
        var schema =
                SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI)
                        .newSchema(ReportFormatsTest.class.getResource("junit.xsd"));
        schema.newValidator()
                .validate(new StreamSource(new StringReader(JunitXml.of(run, Set.of()))));
        schema.newValidator()
                .validate(new StreamSource(new StringReader(JunitXml.of(runOf(), Set.of()))));
    }

    @Test
    void junitXmlTellsTheOutcomesApart() throws Exception {
        Element root = parse(JunitXml.of(run, Set.of())).getDocumentElement();
        assertThat(root.getAttribute("tests")).isEqualTo("7");
        assertThat(root.getAttribute("failures")).isEqualTo("3");
        assertThat(root.getAttribute("errors")).isEqualTo("1");
        assertThat(root.getAttribute("skipped")).isEqualTo("1");
        assertThat(root.getAttribute("time")).isEqualTo("61.500");

        assertThat(problem(root, "byReset")).isEqualTo("failure crashed");
        assertThat(problem(root, "byMemoryEnable")).isEqualTo("failure failed");
        assertThat(problem(root, "suite[dma_buf #1]")).isEqualTo("failure hung");
        assertThat(problem(root, "range")).isEqualTo("error infrastructure");
        assertThat(problem(root, "everyPage")).isEmpty();

        Element failed = testCase(root, "byMemoryEnable");
        assertThat(failed.getElementsByTagName("property").getLength()).isEqualTo(2);
        assertThat(failed.getElementsByTagName("system-out").item(0).getTextContent())
                .contains("directory: report/Revoke.byMemoryEnable")
                .contains("hardware: nothing else")
                .contains("again: ./lab run 'Revoke.byMemoryEnable'");
        assertThat(failed.getElementsByTagName("failure").item(0).getTextContent())
                .contains("at <code> & \ufffd\ufffd[31mnoise\ufffd");
    }

    @Test
    void whatWasExpectedToBeRedIsNoFailure() throws Exception {
        Set<String> expected = Set.of("Revoke.byReset", "Revoke.byMemoryEnable", "Query.range");
        Element root = parse(JunitXml.of(run, expected)).getDocumentElement();
        assertThat(root.getAttribute("failures")).isEqualTo("1");
        assertThat(root.getAttribute("errors")).as("never expected").isEqualTo("1");
        assertThat(root.getAttribute("skipped")).isEqualTo("3");
        assertThat(problem(root, "byReset")).isEmpty();
        assertThat(Ktap.of(run, expected))
                .contains("  # crashed: BUG: kernel NULL pointer", "  ok 2 byReset # XFAIL\n")
                .contains("  not ok 3 range # ERROR\n", "\nok 3 Revoke\n");
    }

    private static String problem(Element root, String name) {
        Element test = testCase(root, name);
        for (String kind : List.of("failure", "error")) {
            if (test.getElementsByTagName(kind).item(0) instanceof Element problem) {
                return kind + " " + problem.getAttribute("type");
            }
        }
        return "";
    }

    private static Element testCase(Element root, String name) {
        var all = root.getElementsByTagName("testcase");
        for (int i = 0; i < all.getLength(); i++) {
            if (all.item(i) instanceof Element test && test.getAttribute("name").equals(name)) {
                return test;
            }
        }
        throw new AssertionError("no test case " + name);
    }

    private static Document parse(String xml)
            throws ParserConfigurationException, IOException, SAXException {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(xml)));
    }

    private static RunResult runOf(ScenarioResult... scenarios) {
        return new RunResult(Instant.EPOCH, Duration.ZERO, Map.of(), List.of(scenarios), REPORT);
    }
}
