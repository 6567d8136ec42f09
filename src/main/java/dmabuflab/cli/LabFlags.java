// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.scenario.LabOptions;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

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

    LabOptions options(Optional<Path> mutant, Optional<Path> report) {
        return new LabOptions(
                kernel,
                mutant.map(Path::toAbsolutePath),
                report.map(Path::toAbsolutePath),
                accelerator,
                cold,
                timeoutScale);
    }
}
