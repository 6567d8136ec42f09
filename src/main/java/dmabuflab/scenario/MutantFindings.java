// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dmabuflab.host.Cache;
import dmabuflab.host.InfrastructureException;
import dmabuflab.report.MutantFinding;
import dmabuflab.report.Outcome;
import dmabuflab.report.ReportWriters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What mutants of one kernel came to, kept in the cache for the reports of later runs. It is found
 * again by the kernel without the mutant and by the patch's content. A scenario that noticed counts
 * while its code is what it was then. A finding is a file of its own: {@code
 * mutants-2/KERNEL/PATCH.json}; those in {@code mutants} may be of another kernel.
 */
public final class MutantFindings {
    private static final String HOME = "mutants-2";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Cache cache;
    private final String kernel;

    /**
     * @param kernel key of the image without any mutant
     */
    public MutantFindings(Cache cache, String kernel) {
        this.cache = cache;
        this.kernel = kernel;
    }

    /** Keeps a finding, instead of an earlier one if there is any. */
    public void keep(Mutant mutant, MutantFinding finding) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("mutant", mutant.name());
        json.put("when", finding.when().toString());
        json.put("undecided", finding.undecided());
        ObjectNode red = json.putObject("red");
        finding.red()
                .forEach(
                        (id, outcome) ->
                                red.putObject(id)
                                        .put("outcome", outcome.label())
                                        .put("code", ScenarioCode.digest(id).orElse("")));
        cache.directory(HOME, kernel);
        ReportWriters.replace(file(mutant), json.toPrettyString() + "\n");
    }

    /** What is known of a mutant, empty when it has not been run as it is now. */
    public Optional<MutantFinding> find(Mutant mutant) {
        Path file = file(mutant);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            JsonNode json = JSON.readTree(file.toFile());
            Map<String, Outcome> red = new TreeMap<>();
            for (Map.Entry<String, JsonNode> each : json.required("red").properties()) {
                String code = each.getValue().required("code").asText();
                if (ScenarioCode.digest(each.getKey()).equals(Optional.of(code))) {
                    String outcome = each.getValue().required("outcome").asText();
                    red.put(each.getKey(), Outcome.valueOf(outcome.toUpperCase(Locale.ROOT)));
                }
            }
            boolean noticedOnlyByOthers = red.isEmpty() && !json.get("red").isEmpty();
            return noticedOnlyByOthers
                    ? Optional.empty()
                    : Optional.of(
                            new MutantFinding(
                                    Instant.parse(json.required("when").asText()),
                                    red,
                                    json.required("undecided").asText()));
        } catch (IOException | IllegalArgumentException | DateTimeParseException e) {
            throw new InfrastructureException(
                    "cannot read what a mutant came to",
                    e.toString(),
                    "delete " + file + " and run ./lab mutants again",
                    e);
        }
    }

    private Path file(Mutant mutant) {
        return cache.root().resolve(HOME).resolve(kernel).resolve(mutant.sha256() + ".json");
    }
}
