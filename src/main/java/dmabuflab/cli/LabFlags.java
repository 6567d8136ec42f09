// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.scenario.LabOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options shared by the commands that boot guests. */
final class LabFlags {
    @Option(
            names = "--kernel",
            paramLabel = "TARGET[-VARIANT]",
            description = "kernel target or variant, as in 7.3, 7.3-debug, debug (default: 7.3)")
    String kernel = LabOptions.DEFAULT.kernel();

    @Option(
            names = "--accel",
            paramLabel = "auto|kvm|tcg",
            description = "how QEMU runs guests (default: auto, which tries KVM once)")
    String accelerator = LabOptions.DEFAULT.accelerator();

    @Option(names = "--cold", description = "boot every guest instead of loading a saved one")
    boolean cold;

    @Option(
            names = "--timeout-scale",
            paramLabel = "FACTOR",
            description = "multiply every limit, for slow or loaded machines (default: 1)")
    double timeoutScale = LabOptions.DEFAULT.timeoutScale();

    @Option(
            names = "--jobs",
            paramLabel = "N",
            description = "guests side by side (default: one per processor)")
    int jobs = Runtime.getRuntime().availableProcessors();

    @Spec(Spec.Target.MIXEE)
    CommandSpec spec;

    /**
     * @throws ParameterException when a value is out of its range
     */
    LabOptions options(Optional<Path> report) {
        if (jobs < 1) {
            throw wrong("--jobs is 1 or more, not " + jobs);
        } else if (!(timeoutScale > 0)) {
            throw wrong("--timeout-scale is above 0, not " + timeoutScale);
        } else if (!Set.of("auto", "kvm", "tcg").contains(accelerator)) {
            throw wrong("--accel is auto, kvm or tcg, not " + accelerator);
        }
        return new LabOptions(
                kernel,
                Optional.empty(),
                List.of(),
                List.of(),
                report.map(Path::toAbsolutePath),
                accelerator,
                cold,
                timeoutScale,
                Optional.empty(),
                List.of(),
                false);
    }

    private ParameterException wrong(String what) {
        return new ParameterException(spec.commandLine(), what);
    }
}
