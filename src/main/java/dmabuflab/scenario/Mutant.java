// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
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
 * @param sha256 digest of the file
 * @param breaks the rules it violates, from its {@code Breaks:} line; empty when it names none
 */
public record Mutant(String name, Path patch, String sha256, List<String> breaks) {
    private static final Pattern BREAKS = Pattern.compile("(?m)^Breaks: *(.+)$");

    /** Reads patches, and all patches of directories, in the order of their names. */
    public static List<Mutant> read(List<Path> filesAndDirectories) {
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

    /** Whether the file is still what it was when it was read. */
    public boolean isUnchanged() {
        return Files.exists(patch) && read(List.of(patch)).equals(List.of(this));
    }

    private static Mutant read(Path patch) throws IOException {
        // Decoding never fails: a patch may carry any bytes.
        byte[] content = Files.readAllBytes(patch);
        Matcher line = BREAKS.matcher(new String(content, StandardCharsets.UTF_8));
        List<String> rules =
                line.find() ? List.of(line.group(1).strip().split("[, ]+")) : List.of();
        return new Mutant(
                patch.getFileName().toString().replaceFirst("\\.patch$", ""),
                patch,
                new Sha256().add("patch", content).hex(),
                rules);
    }
}
