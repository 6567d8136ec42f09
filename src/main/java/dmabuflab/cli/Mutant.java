// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A deliberate defect, as a patch on top of a series.
 *
 * @param name the file's name without {@code .patch}
 * @param breaks the rules it violates, from its {@code Breaks:} line; empty when it names none
 */
record Mutant(String name, Path patch, List<String> breaks) {
    private static final Pattern BREAKS = Pattern.compile("(?m)^Breaks: *(.+)$");

    /** Reads patches, and all patches of directories, in the order of their names. */
    static List<Mutant> read(List<Path> filesAndDirectories) {
        List<Mutant> mutants = new ArrayList<>();
        for (Path path : filesAndDirectories) {
            try {
                for (Path patch : patches(path)) {
                    mutants.add(read(patch));
                }
            } catch (IOException e) {
                throw new InfrastructureException(
                        "cannot read mutants from " + path,
                        e.toString(),
                        "give a .patch file or a directory of them",
                        e);
            }
        }
        return mutants;
    }

    private static List<Path> patches(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            return List.of(path);
        }
        try (Stream<Path> files = Files.list(path)) {
            return files.filter(f -> f.toString().endsWith(".patch")).sorted().toList();
        }
    }

    private static Mutant read(Path patch) throws IOException {
        Matcher line = BREAKS.matcher(Files.readString(patch));
        List<String> rules =
                line.find() ? List.of(line.group(1).strip().split("[, ]+")) : List.of();
        return new Mutant(
                patch.getFileName().toString().replaceFirst("\\.patch$", ""), patch, rules);
    }
}
