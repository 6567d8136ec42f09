// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import dmabuflab.host.Sandbox;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a reviewer looks at before a kernel runs: whether patches apply, what checkpatch says, which
 * warnings the compiler has with {@code W=1}, and sparse, if there is one. As with {@link Kernels},
 * of several that want one source one looks and the others wait.
 */
public final class Inspection {
    /** What a header is included by may be everything, which takes as long as a first build. */
    private static final int MAX_OBJECTS = 300;

    private static final Pattern WARNING =
            Pattern.compile("(\\S+?):\\d+:(?:\\d+:)? (?:warning|error): (.*)");

    /** What sparse says of a warning on lines of their own: which types it means. */
    private static final Pattern DETAIL = Pattern.compile("\\S+?:\\d+:\\d+: {2,}(\\S.*)");

    /** The same of kernel-doc. */
    private static final Pattern DOC_WARNING = Pattern.compile("[Ww]arning: (\\S+?):\\d+:? (.*)");

    /** Of git blame: commit, line there, line here. */
    private static final Pattern ORIGIN = Pattern.compile("(\\p{XDigit}{40,64}) \\d+ (\\d+)");

    /** Programs of the build, and what is not linked into the kernel itself. */
    private static final Pattern NOT_KERNEL =
            Pattern.compile("(tools|scripts|usr|arch/x86/(boot|entry/vdso|realmode|tools))/.*");

    private final Kernels kernels;
    private final Optional<Sparse> sparse;

    private Inspection(Kernels kernels, Optional<Sparse> sparse) {
        this.kernels = kernels;
        this.sparse = sparse;
    }

    public static Inspection with(Kernels kernels) {
        return new Inspection(kernels, Optional.empty());
    }

    /** The same with sparse. */
    public Inspection and(Sparse checker) {
        return new Inspection(kernels, Optional.of(checker));
    }

    /**
     * Applies a kernel's patches, without building anything.
     *
     * @return the commit that this makes in the repository of the source
     * @throws PatchConflict when one does not apply
     */
    public String apply(KernelRequest request) {
        return kernels.at(request, "applying patches to", Inspection::commit);
    }

    /**
     * What the checkpatch of the source says of a patch, a line for each: {@code ERROR:TYPE: …}.
     *
     * @param request a kernel of that source
     */
    public List<String> style(KernelRequest request, Path patch) {
        return kernels.at(
                request,
                "checkpatch in",
                place -> {
                    Path source = place.source().directory();
                    if (!Files.exists(source.resolve("scripts/checkpatch.pl"))) {
                        return List.of("the source has no checkpatch");
                    }
                    List<Path> readable = new ArrayList<>(List.of(source, patch));
                    List<String> words = new ArrayList<>(List.of("perl"));
                    words.add(source.resolve("scripts/checkpatch.pl").toString());
                    words.addAll(List.of("--strict", "--terse", "--show-types", "--no-summary"));
                    if (request.tree().isPresent()) {
                        readable.add(request.tree().get().objects());
                    } else {
                        // The history that Fixes: speaks of is not there.
                        words.add("--ignore=UNKNOWN_COMMIT_ID");
                    }
                    words.addAll(List.of("--root=" + source, patch.toString()));
                    List<String> said = new ArrayList<>();
                    int unused =
                            Command.of(words)
                                    .in(source)
                                    .in(new Sandbox(readable, List.of()))
                                    .eachLine(said::add)
                                    .run();
                    return said.stream()
                            .map(line -> line.replace(patch + ":", "line "))
                            .filter(line -> !line.isBlank())
                            .toList();
                });
    }

    /**
     * What the compiler and sparse say with {@code W=1} of the objects that are made of certain
     * files.
     *
     * @param lines a text for each warning, without the line it is for: the same text is the same
     *     warning
     * @param objects what was compiled
     * @param leftOut how many more depend on those files
     * @param notCompiled those of the files that this configuration does not compile
     */
    public record Warnings(
            Set<String> lines, Set<String> objects, int leftOut, List<String> notCompiled) {}

    /**
     * Compiles with {@code W=1} what some patches touch.
     *
     * @param request a kernel that has been built, so that it is known what depends on what
     * @param image what came of it
     * @param touching the patches
     * @param parents what was compiled of the parent, and nothing else but files that are new is to
     *     be compiled now; empty for no such limit
     */
    public Warnings warnings(
            KernelRequest request,
            KernelImage image,
            List<Path> touching,
            Optional<Warnings> parents) {
        return kernels.at(
                request,
                "looking for warnings in",
                place -> {
                    place.source().git().checkout(commit(place));
                    Set<String> files = new TreeSet<>();
                    touching.forEach(patch -> files.addAll(PatchSeries.files(patch)));
                    List<String> all = objects(place, files);
                    Set<String> some = new TreeSet<>();
                    for (String object : all) {
                        boolean fits =
                                parents.isEmpty()
                                        ? some.size() < MAX_OBJECTS
                                        : parents.get().objects().contains(object)
                                                || files.contains(source(object));
                        if (fits) {
                            some.add(object);
                        }
                    }
                    Set<String> lines = compile(place, image, some);
                    List<String> notCompiled =
                            files.stream()
                                    .filter(file -> file.matches(".*\\.[cS]"))
                                    .filter(file -> !file.startsWith("tools/"))
                                    .filter(file -> !isCompiled(place, file))
                                    .toList();
                    return new Warnings(lines, some, all.size() - some.size(), notCompiled);
                });
    }

    /**
     * A line that a series has added or changed, and that is still there at its end.
     *
     * @param number in the file as the series leaves it, from 1
     * @param patch which patch of the series has brought it, from 1
     */
    public record ChangedLine(String file, int number, int patch, String text) {}

    /**
     * The lines of some files that come from the last patches of a kernel, by file and number.
     *
     * @param patches how many patches, at the end of the kernel's own, are the series
     * @param files those that are not there at its end are left out
     */
    public List<ChangedLine> changedLines(
            KernelRequest head, int patches, Collection<String> files) {
        return kernels.at(
                head,
                "looking for changed lines in",
                place -> {
                    Git git = place.source().git();
                    String commit = commit(place);
                    String base = commit + "~" + patches;
                    List<String> series =
                            git.command("rev-list", "--reverse", base + ".." + commit)
                                    .output()
                                    .lines()
                                    .toList();
                    List<ChangedLine> lines = new ArrayList<>();
                    for (String file : new TreeSet<>(files)) {
                        if (git.has(commit, file)) {
                            lines.addAll(changed(git, base + ".." + commit, series, file));
                        }
                    }
                    return lines;
                });
    }

    private static List<ChangedLine> changed(
            Git git, String range, List<String> series, String file) {
        List<ChangedLine> lines = new ArrayList<>();
        int[] patch = {0};
        int[] number = {0};
        git.command("blame", "--porcelain", range, "--", file)
                .eachLine(
                        line -> {
                            Matcher origin = ORIGIN.matcher(line);
                            if (line.startsWith("\t")) {
                                if (patch[0] > 0) {
                                    String text = line.substring(1);
                                    lines.add(new ChangedLine(file, number[0], patch[0], text));
                                }
                            } else if (origin.lookingAt()) {
                                // Not one of the series' commits: that at the boundary.
                                patch[0] = series.indexOf(origin.group(1)) + 1;
                                number[0] = Integer.parseInt(origin.group(2));
                            }
                        })
                .check();
        return lines;
    }

    /** Whether what is made of a file is linked into a kernel. */
    static boolean isOfKernel(String file) {
        return !NOT_KERNEL.matcher(file).matches();
    }

    static String commit(Kernels.Workplace place) {
        Git git = place.source().git();
        git.removeLocks();
        return place.patches().apply(git, KernelSource.PRISTINE, place.source().version());
    }

    private static boolean isCompiled(Kernels.Workplace place, String file) {
        boolean gone = !Files.exists(place.source().directory().resolve(file));
        String object = file.replaceFirst("\\.[cS]$", ".o");
        // The former is not there when its kernels are from the cache.
        return gone
                || Files.exists(place.build().resolve(object))
                || Files.exists(warningBuild(place).resolve(object));
    }

    private static Path warningBuild(Kernels.Workplace place) {
        return place.build().resolveSibling(place.build().getFileName() + "-W1");
    }

    private static String source(String object) {
        return object.replaceFirst("\\.o$", ".c");
    }

    private Set<String> compile(
            Kernels.Workplace place, KernelImage image, Collection<String> objects) {
        List<String> found = new ArrayList<>();
        if (objects.isEmpty()) {
            return Set.of();
        }
        Path build = warningBuild(place);
        Kbuild kbuild = new Kbuild(place.source().directory(), build);
        try {
            Files.createDirectories(build);
            Path config = build.resolve(".config");
            if (!Files.exists(config) || Files.mismatch(config, image.config()) >= 0) {
                Files.copy(image.config(), config, StandardCopyOption.REPLACE_EXISTING);
            }
            for (String object : objects) {
                // What is up to date would say nothing.
                Files.deleteIfExists(build.resolve(object));
            }
        } catch (IOException e) {
            throw Disk.failure("cannot compile with W=1", build, e);
        }
        place.progress().phase("compiling " + objects.size() + " objects with W=1");
        List<String> words = new ArrayList<>();
        words.add("-j" + Runtime.getRuntime().availableProcessors());
        // What is said of one object stays together.
        words.addAll(List.of("--keep-going", "--output-sync", "W=1"));
        sparse.ifPresent(it -> words.addAll(List.of("C=2", "CHECK=" + it.command())));
        words.addAll(objects);
        String prefix = place.source().directory() + "/";
        // Its status says nothing new: the kernel has been built already.
        int unused =
                kbuild.make(
                                sparse.stream().map(Sparse::program).toList(),
                                words.toArray(String[]::new))
                        .eachLine(line -> note(line.replace(prefix, ""), found))
                        .run();
        return new TreeSet<>(found);
    }

    private static void note(String line, List<String> found) {
        Matcher detail = DETAIL.matcher(line);
        if (detail.matches() && !found.isEmpty()) {
            int last = found.size() - 1;
            found.set(last, found.get(last) + "; " + detail.group(1));
            return;
        }
        Stream.of(WARNING, DOC_WARNING)
                .map(pattern -> pattern.matcher(line))
                .filter(Matcher::matches)
                .limit(1)
                .map(m -> m.group(1) + ": " + m.group(2))
                .forEach(found::add);
    }

    /** Objects made of these files, those of the files themselves first. */
    private static List<String> objects(Kernels.Workplace place, Collection<String> files) {
        Set<String> own = new TreeSet<>();
        Set<String> others = new TreeSet<>();
        List<String> sources =
                files.stream().map(file -> place.source().directory() + "/" + file).toList();
        if (!Files.exists(place.build().resolve("vmlinux"))) {
            // Its kernels are from the cache: what depends on what is not known then.
            return files.stream()
                    .filter(file -> file.endsWith(".c"))
                    .map(file -> file.replaceFirst("\\.c$", ".o"))
                    .toList();
        }
        try (Stream<Path> walk = Files.walk(place.build())) {
            for (Path note : walk.filter(Inspection::isNoteOfObject).toList()) {
                String name = note.getFileName().toString();
                Path object = note.resolveSibling(name.substring(1, name.length() - 4));
                String path = place.build().relativize(object).toString();
                String source = source(path);
                if (!Files.exists(place.source().directory().resolve(source))
                        || !isOfKernel(path)) {
                    continue;
                } else if (files.contains(source)) {
                    own.add(path);
                } else if (mentions(note, sources)) {
                    others.add(path);
                }
            }
        } catch (IOException e) {
            throw Disk.failure("cannot find what depends on " + files, place.build(), e);
        }
        List<String> all = new ArrayList<>(own);
        all.addAll(others);
        return all;
    }

    private static boolean isNoteOfObject(Path file) {
        String name = file.getFileName().toString();
        return name.startsWith(".") && name.endsWith(".o.cmd") && !name.endsWith(".mod.o.cmd");
    }

    private static boolean mentions(Path note, List<String> sources) throws IOException {
        String text = new String(Files.readAllBytes(note), StandardCharsets.ISO_8859_1);
        return sources.stream().anyMatch(source -> text.contains("  " + source + " "));
    }
}
