// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dmabuflab.report.JsonText;
import dmabuflab.report.Outcome;
import java.util.List;

/**
 * A validation as one JSON object, for programs, as {@code validation.schema.json} says. Members
 * come in this order:
 *
 * <ul>
 *   <li>{@code format}: 1; a higher number when a member changes its meaning or goes
 *   <li>{@code started}: ISO 8601, UTC; {@code durationMs}
 *   <li>{@code exitStatus}: 0, 1 or 3, as the command line's; {@code unfinished}: why there is no
 *       more, "" at the end
 *   <li>{@code environment}: object of strings
 *   <li>{@code conflict}: why the series does not apply, "" if it does
 *   <li>{@code series}: array of {@code number}, {@code subject}, {@code file}
 *   <li>{@code patches}: of those looked at {@code number}, {@code style} (array of lines), {@code
 *       build} ("" if it builds), {@code warnings} (array), {@code notLookedAt}, {@code boot} (""
 *       if it boots), {@code sameCode}, {@code kernel} (key)
 *   <li>{@code sameCode}: of base and head
 *   <li>{@code repeats}
 *   <li>{@code variants}: array of {@code variant}, {@code build} ("" if it builds), {@code boot},
 *       {@code sameCode}
 *   <li>{@code scenarios}: array sorted by id of {@code id}, {@code variant} ("" for the kernel
 *       that each patch was looked at on), {@code judgement}, {@code base} and {@code head} (arrays
 *       of outcomes, all runs), {@code message}, {@code blame} (number of a patch, or null), {@code
 *       whyNoBlame}, {@code rerun}
 *   <li>{@code coverage}: null, or {@code scenarios}, {@code red} and {@code patches}: array of
 *       {@code number}, {@code lines}, {@code executed}, {@code branches}, {@code taken}, {@code
 *       notMeasured} (array of files), {@code gaps} (array of {@code file}, {@code function},
 *       {@code first}, {@code last}, {@code text}, {@code ran})
 * </ul>
 */
public final class ValidationJson {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private ValidationJson() {}

    /** The whole text. */
    public static String of(Validation so) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("format", 1);
        json.put("started", so.started().toString());
        json.put("durationMs", so.duration().toMillis());
        json.put("exitStatus", so.exitStatus());
        json.put("unfinished", so.unfinished());
        ObjectNode environment = json.putObject("environment");
        so.environment().forEach(environment::put);
        json.put("conflict", so.conflict());
        ArrayNode series = json.putArray("series");
        for (Patch patch : so.series()) {
            series.addObject()
                    .put("number", patch.number())
                    .put("subject", patch.subject())
                    .put("file", patch.file().toString());
        }
        ArrayNode patches = json.putArray("patches");
        so.patches().forEach(each -> patch(patches.addObject(), each));
        json.put("sameCode", so.sameCode());
        json.put("repeats", so.repeats());
        ArrayNode variants = json.putArray("variants");
        for (VariantVerdict each : so.variants()) {
            variants.addObject()
                    .put("variant", each.variant())
                    .put("build", each.build())
                    .put("boot", each.boot())
                    .put("sameCode", each.sameCode());
        }
        ArrayNode scenarios = json.putArray("scenarios");
        so.scenarios().forEach(each -> scenario(scenarios.addObject(), each));
        json.set("coverage", MAPPER.valueToTree(so.coverage()));
        return JsonText.of(json);
    }

    private static void patch(ObjectNode json, PatchVerdict verdict) {
        json.put("number", verdict.patch().number());
        ArrayNode style = json.putArray("style");
        verdict.style().forEach(style::add);
        json.put("build", verdict.build());
        ArrayNode warnings = json.putArray("warnings");
        verdict.warnings().forEach(warnings::add);
        json.put("notLookedAt", verdict.notLookedAt());
        ArrayNode notCompiled = json.putArray("notCompiled");
        verdict.notCompiled().forEach(notCompiled::add);
        json.put("boot", verdict.boot());
        json.put("sameCode", verdict.sameCode());
        json.put("kernel", verdict.key());
    }

    private static void scenario(ObjectNode json, ScenarioVerdict verdict) {
        json.put("id", verdict.id());
        json.put("variant", verdict.variant());
        json.put("judgement", verdict.judgement().label());
        outcomes(json.putArray("base"), verdict.base());
        outcomes(json.putArray("head"), verdict.head());
        json.put("message", verdict.message());
        if (verdict.blame() == null) {
            json.putNull("blame");
        } else {
            json.put("blame", verdict.blame().number());
        }
        json.put("whyNoBlame", verdict.whyNoBlame());
        json.put("rerun", verdict.rerun());
    }

    private static void outcomes(ArrayNode json, List<Outcome> outcomes) {
        outcomes.forEach(outcome -> json.add(outcome.label()));
    }
}
