// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.kernel.SourceTree;
import dmabuflab.scenario.LabOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What a kernel is made of, beyond what its target says. */
final class SourceFlags {
    @Option(
            names = {"--patch", "--mutant"},
            paramLabel = "FILE",
            description = "apply this patch on top, or below a series; may be repeated")
    List<Path> patches = new ArrayList<>();

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "a Kconfig fragment after the target's own; may be repeated")
    List<Path> fragments = new ArrayList<>();

    @Option(
            names = "--tree",
            paramLabel = "DIR",
            description =
                    "a git repository of yours, which is only read, in place of the target's"
                            + " source and series")
    Path tree;

    @Option(
            names = {"--commit", "--base"},
            paramLabel = "REV",
            description = "which commit of --tree (default: HEAD); where a series begins")
    String commit;

    @Spec(Spec.Target.MIXEE)
    CommandSpec spec;

    /**
     * The options with all of this in them.
     *
     * @throws ParameterException when a file cannot be read, or a commit is of no tree
     */
    LabOptions applyTo(LabOptions options) {
        Stream.concat(patches.stream(), fragments.stream())
                .filter(file -> !Files.isReadable(file))
                .findFirst()
                .ifPresent(
                        file -> {
                            throw new ParameterException(spec.commandLine(), "cannot read " + file);
                        });
        if (commit != null && tree == null) {
            throw new ParameterException(
                    spec.commandLine(), "--commit is one of --tree, which is not given");
        }
        Optional<SourceTree> source =
                Optional.ofNullable(tree)
                        .map(dir -> SourceTree.at(dir, commit == null ? "HEAD" : commit));
        return options.madeOf(source, patches, fragments);
    }
}
