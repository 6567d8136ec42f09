// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import dmabuflab.report.Outcome;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What the series did to one scenario, or to a case that is part of one.
 *
 * @param id of the scenario or case
 * @param scenario the scenario to run for it: its own id, or that of the one it is part of
 * @param variant of the kernel, "" for the one that each patch was looked at on
 * @param base outcomes of all its runs on the base, in their order
 * @param head the same on the head
 * @param between outcomes on kernels in between, where it was run on them, by their patch's number
 * @param message what it said when it was red, "" if it was not
 * @param directory what that run has left, null if nothing
 * @param blame the patch that brought it, null if none was found or looked for
 * @param whyNoBlame why there is none, "" when there is or none was looked for
 * @param rerun the command that shows it again on the kernel with that patch, or on the head
 */
public record ScenarioVerdict(
        String id,
        String scenario,
        String variant,
        List<Outcome> base,
        List<Outcome> head,
        Map<Integer, List<Outcome>> between,
        String message,
        Path directory,
        Patch blame,
        String whyNoBlame,
        String rerun) {

    /** For people: {@code Revocation.functionLevelReset on debug}. */
    public String name() {
        return variant.isEmpty() ? id : id + " on " + variant;
    }

    public Judgement judgement() {
        return Judgement.of(base, head);
    }

    ScenarioVerdict blaming(
            Patch patch, String why, String command, Map<Integer, List<Outcome>> seen) {
        return new ScenarioVerdict(
                id, scenario, variant, base, head, seen, message, directory, patch, why, command);
    }
}
