// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Command;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Which patch of a series has changed what. Reads the repository only, so needs no lock. */
final class SourceHistory {
    private final Git git;
    private final String commit;
    private final String base;
    private final String range;

    /**
     * @param base a commit without the series
     * @param commit what the series makes of it
     */
    SourceHistory(Git git, String base, String commit) {
        this.git = git;
        this.commit = commit;
        this.base = base;
        this.range = base + ".." + commit;
    }

    /** A path as the compiler noted it, from the source's top; empty if it is not in there. */
    Optional<String> relative(String path) {
        Path top = git.directory().toAbsolutePath().getParent();
        Path file = top.resolve(path).normalize();
        if (!file.startsWith(top)) {
            return Optional.empty();
        }
        String relative = top.relativize(file).toString();
        boolean there = !output("ls-tree", "--name-only", commit, "--", relative).isEmpty();
        return there ? Optional.of(relative) : Optional.empty();
    }

    /**
     * The file that defines a function, if the series has changed that file.
     *
     * @param name of the file without directory, "" for any
     */
    Optional<String> file(String function, String name) {
        List<String> changed = new ArrayList<>(output("diff", "--name-only", range, "--", "*.c"));
        changed.removeIf(file -> !name.isEmpty() && !Path.of(file).endsWith(name));
        if (changed.isEmpty()) {
            return Optional.empty();
        }
        List<String> words = new ArrayList<>(List.of("grep", "-E"));
        words.add("^[A-Za-z_].*\\b" + plain(function) + "\\(");
        words.add(commit);
        words.add("--");
        words.addAll(changed);
        List<String> files =
                output(words.toArray(String[]::new)).stream()
                        // A declaration is none, nor are macros in capitals about a function.
                        .filter(line -> !line.endsWith(";"))
                        .map(line -> line.substring(commit.length() + 1).replaceFirst(":.*", ""))
                        .distinct()
                        .toList();
        return files.size() == 1 ? Optional.of(files.get(0)) : Optional.empty();
    }

    /** Subject of the patch that a line is of; empty when it was there before the series. */
    Optional<String> patchOfLine(String file, int line) {
        List<String> told =
                output("blame", "--porcelain", "-L", line + "," + line, range, "--", file);
        return told.contains("boundary")
                ? Optional.empty()
                : told.stream()
                        .filter(each -> each.startsWith("summary "))
                        .map(each -> each.substring("summary ".length()))
                        .findFirst();
    }

    /** Subject of the patch that changed a function last, if any has. */
    Optional<String> patchOfFunction(String file, String function) {
        String definition = "\\b" + plain(function) + "(";
        return output("log", "-1", "-s", "--format=%s", "-L:" + definition + ":" + file, range)
                .stream()
                .findFirst();
    }

    /**
     * Copies the files that any patch known here changes, as they are in this commit. The work tree
     * has them as the kernel wants them that was built last.
     *
     * @param into an empty directory
     * @return by the name in the work tree, as compilers note it
     */
    Map<Path, Path> copyChanged(Path into) {
        List<String> files = new ArrayList<>(List.of("ls-tree", "-r", "--name-only", commit, "--"));
        int fixed = files.size();
        output("log", "--format=", "--name-only", "--all", "^" + base).stream()
                .filter(file -> file.matches(".*\\.[chS]"))
                .distinct()
                .forEach(files::add);
        List<String> there =
                files.size() == fixed ? List.of() : output(files.toArray(String[]::new));
        if (there.isEmpty()) {
            return Map.of(); // without a path git would archive all there is
        }
        List<String> words = new ArrayList<>(List.of("archive", "--format=tar"));
        Path archive = into.resolve("source.tar");
        words.addAll(List.of("--output=" + archive, commit));
        words.addAll(there);
        git.command(words.toArray(String[]::new)).check();
        Command.of("tar", "-xf", archive.toString(), "-C", into.toString()).check();
        Path top = git.directory().toAbsolutePath().getParent();
        Map<Path, Path> copies = new TreeMap<>();
        there.forEach(file -> copies.put(top.resolve(file), into.resolve(file)));
        return copies;
    }

    /** Without the suffixes of the compiler's clones. */
    private static String plain(String function) {
        return function.replaceFirst("\\..*", "");
    }

    /** What git says, nothing if it has nothing to say: an unknown file or line is no error. */
    private List<String> output(String... words) {
        List<String> lines = new ArrayList<>();
        int status = git.command(words).eachLine(lines::add).run();
        return status == 0 ? lines : List.of();
    }
}
