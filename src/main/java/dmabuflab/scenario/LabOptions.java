// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.qemu.ShellScript;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * What the user chose, carried to the scenarios as JUnit configuration parameters, so that {@code
 * lab run} and {@code mvn verify -Ddmabuflab.kernel=debug} mean the same.
 *
 * @param kernel a target, a target and variant ({@code 7.3-debug}) or just a variant ({@code
 *     debug})
 * @param mutant a patch on top of the series, empty for none
 * @param report directory of the report, empty for a new dated one
 * @param accelerator "auto", "kvm" or "tcg"
 * @param cold boot every guest instead of loading a saved one
 * @param timeoutScale multiplies every limit
 */
public record LabOptions(
        String kernel,
        Optional<Path> mutant,
        Optional<Path> report,
        String accelerator,
        boolean cold,
        double timeoutScale) {

    private static final String PREFIX = "dmabuflab.";

    public static final LabOptions DEFAULT =
            new LabOptions("7.3", Optional.empty(), Optional.empty(), "auto", false, 1);

    /** Reads them back from configuration parameters. */
    public static LabOptions from(Function<String, Optional<String>> parameters) {
        Function<String, Optional<String>> option = name -> parameters.apply(PREFIX + name);
        return new LabOptions(
                option.apply("kernel").orElse(DEFAULT.kernel),
                option.apply("mutant").map(Path::of),
                option.apply("report").map(Path::of),
                option.apply("accel").orElse(DEFAULT.accelerator),
                option.apply("cold").map(Boolean::parseBoolean).orElse(DEFAULT.cold),
                option.apply("timeout-scale")
                        .map(Double::parseDouble)
                        .orElse(DEFAULT.timeoutScale));
    }

    /** The command that runs just this scenario again, with the same kernel and guests. */
    String rerun(ScenarioId scenario) {
        StringBuilder words = new StringBuilder("./lab run");
        if (!kernel.equals(DEFAULT.kernel)) {
            words.append(" --kernel ").append(kernel);
        }
        mutant.ifPresent(
                patch -> words.append(" --mutant ").append(ShellScript.quote(patch.toString())));
        if (!accelerator.equals(DEFAULT.accelerator)) {
            words.append(" --accel ").append(accelerator);
        }
        if (timeoutScale != DEFAULT.timeoutScale) {
            words.append(" --timeout-scale ").append(timeoutScale);
        }
        words.append(cold ? " --cold " : " ");
        return words.append(ShellScript.quote(scenario.toString())).toString();
    }

    /** The configuration parameters that carry these options. */
    public Map<String, String> toParameters() {
        Map<String, String> parameters = new TreeMap<>();
        parameters.put(PREFIX + "kernel", kernel);
        mutant.ifPresent(patch -> parameters.put(PREFIX + "mutant", patch.toString()));
        report.ifPresent(directory -> parameters.put(PREFIX + "report", directory.toString()));
        parameters.put(PREFIX + "accel", accelerator);
        parameters.put(PREFIX + "cold", Boolean.toString(cold));
        parameters.put(PREFIX + "timeout-scale", Double.toString(timeoutScale));
        return parameters;
    }
}
