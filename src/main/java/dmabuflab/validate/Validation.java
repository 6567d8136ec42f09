// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Everything that is known of a series.
 *
 * @param environment what it was judged on: base, configuration, QEMU, the command
 * @param series its patches
 * @param conflict why a patch does not apply, with its number; "" if all do
 * @param patches of those that were looked at, what came of it
 * @param sameCode whether head and base execute the same, so that no scenario had to run
 * @param variants other variants of the kernel that it was tried on
 * @param scenarios those that ran on base and head, of all variants
 * @param coverage what of it was executed, null if that was not measured
 * @param repeats how often a difference was looked at again
 * @param unfinished why the rest is not known, "" at the end
 */
public record Validation(
        Instant started,
        Duration duration,
        Map<String, String> environment,
        List<Patch> series,
        String conflict,
        List<PatchVerdict> patches,
        boolean sameCode,
        List<VariantVerdict> variants,
        List<ScenarioVerdict> scenarios,
        Coverage coverage,
        int repeats,
        String unfinished,
        Path directory) {

    /** How many scenarios there are of each judgement. */
    public Map<Judgement, Integer> counts() {
        Map<Judgement, Integer> counts = new EnumMap<>(Judgement.class);
        scenarios.forEach(scenario -> counts.merge(scenario.judgement(), 1, Integer::sum));
        return counts;
    }

    /**
     * 1 when the series does not apply, build, boot, or makes a scenario red; 3 when the lab could
     * not find out, or nothing that the series changes is compiled; else 0. What is flaky does not
     * count, nor warnings and style.
     */
    public int exitStatus() {
        boolean broken =
                !conflict.isEmpty()
                        || patches.stream().anyMatch(patch -> !patch.runs())
                        || variants.stream().anyMatch(variant -> !variant.runs())
                        || counts().containsKey(Judgement.REGRESSED);
        if (broken) {
            return 1;
        }
        boolean unknown =
                !unfinished.isEmpty()
                        || (changesNothing() && isPartlyCompiled())
                        || counts().containsKey(Judgement.INFRASTRUCTURE);
        return unknown ? 3 : 0;
    }

    /** Whether base and head execute the same, on whatever variant was asked for. */
    boolean changesNothing() {
        return sameCode && variants.stream().allMatch(VariantVerdict::sameCode);
    }

    /** Whether it touches files that this configuration does not compile. */
    boolean isPartlyCompiled() {
        return patches.stream().anyMatch(patch -> !patch.notCompiled().isEmpty());
    }
}
