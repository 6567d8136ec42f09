// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * One scenario's verdict and what it rests on.
 *
 * @param id {@code Class.method} or {@code Class.method[case]}
 * @param title what it shows, one line
 * @param rules ids of the rules it proves
 * @param message why it is not passed, "" when it is
 * @param details stack trace, "" when passed
 * @param boot "restored" or "cold boot", "" when no guest came up
 * @param directory its artefacts, null when there are none
 * @param witnesses what each witness said
 * @param rerun the command that runs just this one again
 * @param cell its place in a table of the scenario's cases, null when it has told none
 * @param partOf id of the scenario that ran it as one of its cases, null for a scenario itself
 */
public record ScenarioResult(
        String id,
        String title,
        List<String> rules,
        Outcome outcome,
        String message,
        String details,
        Instant started,
        Duration duration,
        String boot,
        Path directory,
        Map<String, List<String>> witnesses,
        String rerun,
        Cell cell,
        String partOf) {

    /** The same had it not run. */
    public ScenarioResult skipped() {
        return new ScenarioResult(
                id,
                title,
                rules,
                Outcome.SKIPPED,
                "",
                "",
                started,
                Duration.ZERO,
                "",
                null,
                Map.of(),
                rerun,
                null,
                partOf);
    }

    /** Whether it is one of several verdicts that came out of one scenario. */
    public boolean isPart() {
        return partOf != null;
    }

    /** The id's part before the first dot; all of it when there is none. */
    String className() {
        int dot = id.indexOf('.');
        return dot < 0 ? id : id.substring(0, dot);
    }

    /** The id without the case in brackets, the same for all cases of a scenario. */
    String scenarioId() {
        return scenarioId(id);
    }

    static String scenarioId(String id) {
        return id.replaceFirst("\\[.*", "");
    }

    /** The id's part behind the first dot: method and case. */
    String methodName() {
        return id.substring(id.indexOf('.') + 1);
    }

    /** First line of the message, "" when there is none. */
    String headline() {
        return message.lines().map(String::strip).filter(l -> !l.isEmpty()).findFirst().orElse("");
    }
}
