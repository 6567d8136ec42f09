// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Cases of the kernel's selftests that fail for a reason of their own, on a kernel without the
 * series as well. A list names the exact release, so that it ends to hold with the next one.
 */
final class KnownFailures {
    private static final int FIELDS = 4;

    private final List<Entry> entries = new ArrayList<>();

    private record Entry(String program, PathMatcher cases, String reason) {}

    private KnownFailures() {}

    /**
     * Reads lines of {@code RELEASE PROGRAM CASE REASON…}, where CASE may have shell-style
     * wildcards; lines that begin with {@code #} are comments. No file is an empty list.
     *
     * @param release the kernel's, as uname(1) tells it
     * @throws InfrastructureException when the file cannot be read or a line has too few words
     */
    static KnownFailures of(Path file, String release) {
        KnownFailures known = new KnownFailures();
        try {
            List<String> lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
            for (String line : lines) {
                String[] words = line.split("\\s+", FIELDS);
                if (line.isBlank() || line.startsWith("#")) {
                    continue;
                } else if (words.length < FIELDS) {
                    throw new IOException("'" + line + "' is not RELEASE PROGRAM CASE REASON");
                } else if (words[0].equals(release)) {
                    PathMatcher cases = FileSystems.getDefault().getPathMatcher("glob:" + words[2]);
                    known.entries.add(new Entry(words[1], cases, words[3]));
                }
            }
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot read known failures from " + file,
                    e.toString(),
                    "correct the file, or delete it",
                    e);
        }
        return known;
    }

    /** Why this case is known to fail; empty when it is not. */
    Optional<String> reason(String program, String name) {
        return entries.stream()
                .filter(e -> e.program().equals(program) && e.cases().matches(Path.of(name)))
                .map(Entry::reason)
                .findFirst();
    }
}
