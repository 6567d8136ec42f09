// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.report.Outcome;
import dmabuflab.report.ScenarioResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One of several verdicts that come out of one scenario, each with a row of its own in the report:
 * what a program of many cases said of one of them.
 *
 * @param number counts from 1
 * @param message why it is not passed, "" when it is
 */
record Part(int number, String name, Outcome outcome, String message) {

    /** The key of the report entry that carries it to the listener; the value is the message. */
    String key() {
        return ReportingListener.PART + number + " " + outcome.label() + " " + name;
    }

    /** JUnit refuses an empty value. */
    String value() {
        return message.isBlank() ? "-" : message;
    }

    /** The parts among a scenario's report entries, in their order. */
    static List<Part> among(Map<String, String> entries) {
        List<Part> parts = new ArrayList<>();
        entries.forEach(
                (key, value) -> {
                    if (key.startsWith(ReportingListener.PART)) {
                        parts.add(read(key.substring(ReportingListener.PART.length()), value));
                    }
                });
        parts.sort((a, b) -> Integer.compare(a.number, b.number));
        return parts;
    }

    private static Part read(String key, String message) {
        String[] words = key.split(" ", 3);
        Outcome outcome = Outcome.valueOf(words[1].toUpperCase(Locale.ROOT));
        return new Part(
                Integer.parseInt(words[0]),
                words[2],
                outcome,
                outcome == Outcome.PASSED ? "" : message);
    }

    /** Its row: all but the verdict is that of the scenario. */
    ScenarioResult resultOf(ScenarioResult scenario) {
        return new ScenarioResult(
                scenario.id() + "[" + name + "]",
                scenario.title(),
                List.of(),
                outcome,
                message,
                "",
                scenario.started(),
                Duration.ZERO,
                scenario.boot(),
                scenario.directory(),
                Map.of(),
                scenario.rerun(),
                null,
                scenario.id());
    }
}
