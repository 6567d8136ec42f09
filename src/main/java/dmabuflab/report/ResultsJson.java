// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The run as one JSON object, for programs. What there is in it {@code results.schema.json} says,
 * next to this class.
 */
final class ResultsJson {
    private ResultsJson() {}

    static String of(RunResult run) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("format", 1);
        json.put("started", run.started().toString());
        json.put("durationMs", run.duration().toMillis());
        json.put("exitStatus", run.exitStatus());
        ObjectNode environment = json.putObject("environment");
        run.environment().forEach(environment::put);
        counts(json.putObject("counts"), run.counts());
        counts(json.putObject("partCounts"), run.partCounts());
        ArrayNode scenarios = json.putArray("scenarios");
        run.scenarios().forEach(result -> scenario(scenarios.addObject(), result, run.directory()));
        ObjectNode rules = json.putObject("rules");
        run.rules().forEach((rule, proofs) -> rule(rules.putObject(rule), proofs));
        return JsonText.of(json);
    }

    private static void counts(ObjectNode json, Map<Outcome, Integer> counts) {
        for (Outcome outcome : Outcome.values()) {
            json.put(outcome.label(), counts.getOrDefault(outcome, 0));
        }
    }

    private static void scenario(ObjectNode json, ScenarioResult result, Path report) {
        json.put("id", result.id());
        json.put("title", result.title());
        strings(json.putArray("rules"), result.rules());
        json.put("outcome", result.outcome().label());
        json.put("message", result.message());
        json.put("details", result.details());
        json.put("started", result.started().toString());
        json.put("durationMs", result.duration().toMillis());
        json.put("boot", result.boot());
        json.put("directory", directory(result, report));
        ObjectNode witnesses = json.putObject("witnesses");
        result.witnesses().forEach((who, said) -> strings(witnesses.putArray(who), said));
        json.put("rerun", result.rerun());
        json.put("partOf", result.partOf());
    }

    private static String directory(ScenarioResult result, Path report) {
        if (result.directory() == null) {
            return null;
        }
        Path directory = result.directory().toAbsolutePath();
        Path base = report.toAbsolutePath();
        return (directory.startsWith(base) ? base.relativize(directory) : directory).toString();
    }

    private static void rule(ObjectNode json, Map<String, Outcome> proofs) {
        json.put("verdict", Outcome.worst(proofs.values()).label());
        ObjectNode scenarios = json.putObject("scenarios");
        proofs.forEach((id, outcome) -> scenarios.put(id, outcome.label()));
    }

    private static void strings(ArrayNode array, List<String> strings) {
        strings.forEach(array::add);
    }
}
