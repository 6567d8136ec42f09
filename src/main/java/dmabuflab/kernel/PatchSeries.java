// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Patches in the order in which they are applied. Immutable. */
public final class PatchSeries {

    // What git apply says about a hunk that finds no place: the file, and where it was to go.
    private static final Pattern NO_PLACE =
            Pattern.compile("^error: patch failed: (.+):(\\d+)$", Pattern.MULTILINE);
    private static final Pattern ERROR = Pattern.compile("^error: (.+)$", Pattern.MULTILINE);

    private static final Pattern FILE =
            Pattern.compile("^diff --git a/.* b/(.+)$", Pattern.MULTILINE);

    private final List<Path> patches;

    private PatchSeries(List<Path> patches) {
        this.patches = List.copyOf(patches);
    }

    static PatchSeries empty() {
        return new PatchSeries(List.of());
    }

    /** All {@code *.patch} of a directory, sorted by name. */
    static PatchSeries in(Path directory) {
        try (Stream<Path> list = Files.list(directory)) {
            return new PatchSeries(
                    list.filter(file -> file.toString().endsWith(".patch")).sorted().toList());
        } catch (IOException e) {
            throw Disk.failure("cannot list the patches of a series", directory, e);
        }
    }

    /** This series with more patches on top. */
    PatchSeries with(List<Path> others) {
        List<Path> more = new ArrayList<>(patches);
        more.addAll(others);
        return new PatchSeries(more);
    }

    List<Path> patches() {
        return patches;
    }

    /** The subject of a mail, unfolded and without {@code [PATCH …]}; else the file's name. */
    public static String subject(Path patch) {
        StringBuilder subject = new StringBuilder();
        boolean inside = false;
        for (String line : read(patch).lines().toList()) {
            if (line.isEmpty()) {
                break;
            }
            if (line.startsWith("Subject:")) {
                inside = true;
                subject.append(line, "Subject:".length(), line.length());
            } else if (inside && Character.isWhitespace(line.charAt(0))) {
                subject.append(' ').append(line.strip());
            } else {
                inside = false;
            }
        }
        String text = subject.toString().strip().replaceFirst("^\\[[^\\]]*\\]\\s*", "");
        return text.isEmpty() ? patch.getFileName().toString() : text;
    }

    /**
     * Applies the series and returns the id of the resulting commit, which depends on nothing but
     * the content of {@code base} and of the patches. The work tree is not touched.
     *
     * @param base a commit
     * @param version what {@code base} is called, for the message if a patch does not apply
     * @throws InfrastructureException naming patch, file and hunk
     */
    String apply(Git git, String base, String version) {
        return applyIn(git.withIndex("series.index"), base, version);
    }

    /** What {@link #apply} has returned, if it has been called before with the same. */
    Optional<String> applied(Git git, String base) {
        if (patches.isEmpty()) {
            return git.resolve(base);
        }
        return git.resolve(base)
                .flatMap(origin -> git.resolve(names(origin).get(patches.size() - 1)));
    }

    /** The same in an index of the caller's own. */
    String applyIn(Git series, String base, String version) {
        String origin = series.command("rev-parse", "--verify", base).output();
        List<String> names = names(origin);
        int done = patches.size();
        Optional<String> known = Optional.empty();
        while (known.isEmpty() && done > 0) {
            known = series.resolve(names.get(done - 1));
            done -= known.isEmpty() ? 1 : 0;
        }
        String commit = known.orElse(base);
        series.command("read-tree", commit).check();
        List<String> commits = new ArrayList<>();
        for (Path patch : patches.subList(done, patches.size())) {
            StringJoiner said = new StringJoiner("\n");
            int status =
                    series.command(
                                    "apply",
                                    "--cached",
                                    "--whitespace=nowarn",
                                    patch.toAbsolutePath().toString())
                            .eachLine(said::add)
                            .run();
            if (status != 0) {
                throw new PatchConflict(patch, version, reason(series, patch, said.toString()));
            }
            commit = series.commit(message(patch), List.of(commit));
            commits.add(commit);
        }
        // Not if a patch was edited while it was read.
        if (names(origin).equals(names)) {
            for (int i = 0; i < commits.size(); i++) {
                series.command("update-ref", names.get(done + i), commits.get(i)).check();
            }
        }
        return commit;
    }

    /**
     * For each patch a reference to the commit that it makes on top of all before: what has been
     * applied once, of this series or of another that begins like it, is not applied again.
     */
    private List<String> names(String base) {
        String before = new Sha256().add("base", base).hex();
        List<String> names = new ArrayList<>();
        for (Path patch : patches) {
            before = new Sha256().add("before", before).add("patch", patch).hex();
            names.add("refs/applied/" + before);
        }
        return names;
    }

    /** Subject and body of the mail; the part below {@code ---} is not for the history. */
    private static String message(Path patch) {
        StringJoiner body = new StringJoiner("\n");
        boolean inBody = false;
        for (String line : read(patch).lines().toList()) {
            if (line.equals("---") || line.startsWith("diff --git ")) {
                break;
            }
            if (inBody) {
                body.add(line);
            } else if (line.isEmpty()) {
                inBody = true;
            }
        }
        return subject(patch) + "\n\n" + body.toString().strip();
    }

    /** Whether a patch adds a line to a file in which there is this word. */
    static boolean adds(Path patch, String file, String word) {
        boolean inFile = false;
        for (String line : read(patch).lines().toList()) {
            if (line.startsWith("diff --git ")) {
                inFile = line.endsWith(" b/" + file);
            } else if (inFile && line.startsWith("+") && line.contains(word)) {
                return true;
            }
        }
        return false;
    }

    /** The files that a patch changes, as they are called in the source. */
    public static Set<String> files(Path patch) {
        Set<String> files = new TreeSet<>();
        Matcher file = FILE.matcher(read(patch));
        while (file.find()) {
            files.add(file.group(1));
        }
        return files;
    }

    private static String reason(Git series, Path patch, String said) {
        Matcher noPlace = NO_PLACE.matcher(said);
        if (noPlace.find()) {
            String file = noPlace.group(1);
            Optional<Hunk> hunk = Hunk.find(read(patch).lines().toList(), file, noPlace.group(2));
            String which = hunk.map(Hunk::toString).orElse("the hunk at line " + noPlace.group(2));
            String instead = hunk.map(h -> h.difference(content(series, file))).orElse("");
            return file
                    + ", "
                    + which
                    + ", finds no place"
                    + (instead.isEmpty() ? "" : "\n" + instead);
        }
        Matcher error = ERROR.matcher(said);
        return error.find() ? error.group(1) : said.strip();
    }

    /** A file as the patches before have made it. */
    private static List<String> content(Git series, String file) {
        List<String> lines = new ArrayList<>();
        int status = series.command("cat-file", "blob", ":" + file).eachLine(lines::add).run();
        return status == 0 ? lines : List.of();
    }

    private static String read(Path patch) {
        try {
            // Not readString(), which refuses bytes that are not UTF-8: a patch may carry any.
            return new String(Files.readAllBytes(patch), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw Disk.failure("cannot read patch " + patch, patch, e);
        }
    }
}
