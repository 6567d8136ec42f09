// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import dmabuflab.host.Sandbox;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a reviewer looks at before a kernel runs: whether patches apply, what checkpatch says, which
 * warnings the compiler has with {@code W=1}. As with {@link Kernels}, of several that want one
 * source one looks and the others wait.
 */
public final class Inspection {
    /** What a header is included by may be everything, which takes as long as a first build. */
    private static final int MAX_OBJECTS = 300;

    private static final Pattern WARNING =
            Pattern.compile("(\\S+?):\\d+:(?:\\d+:)? (warning|error): (.*)");

    /** Programs of the build, and what is not linked into the kernel itself. */
    private static final Pattern NOT_KERNEL =
            Pattern.compile("(tools|scripts|usr|arch/x86/(boot|entry/vdso|realmode|tools))/.*");

    private final Kernels kernels;

    private Inspection(Kernels kernels) {
        this.kernels = kernels;
    }

    public static Inspection with(Kernels kernels) {
        return new Inspection(kernels);
    }

    /** The files that a patch changes, as they are called in the source. */
    public static Set<String> touchedBy(Path patch) {
        return PatchSeries.files(patch);
    }

    /**
     * Applies a kernel's patches, without building anything.
     *
     * @return the commit that this makes in the repository of the source
     * @throws PatchConflict when one does not apply
     */
    public String apply(KernelRequest request) {
        return kernels.at(
                request,
                "applying patches to",
                place ->
                        place.patches()
                                .applyIn(
                                        place.source().git().withIndex("try.index"),
                                        KernelSource.PRISTINE,
                                        place.source().version()));
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
                    List<String> said = new ArrayList<>();
                    int unused =
                            Command.of(
                                            "perl",
                                            source.resolve("scripts/checkpatch.pl").toString(),
                                            "--strict",
                                            "--terse",
                                            "--show-types",
                                            "--no-summary",
                                            "--root=" + source,
                                            patch.toString())
                                    .in(source)
                                    .in(new Sandbox(List.of(source, patch), List.of()))
                                    .eachLine(said::add)
                                    .run();
                    return said.stream()
                            .map(line -> line.replace(patch + ":", "line "))
                            .filter(line -> !line.isBlank())
                            .toList();
                });
    }

    /**
     * What the compiler says with {@code W=1} of the objects that are made of certain files.
     *
     * @param lines a text for each warning, without the line it is for: the same text is the same
     *     warning
     * @param objects how many were compiled anew or found compiled
     * @param leftOut how many more depend on those files
     */
    public record Warnings(Set<String> lines, int objects, int leftOut) {}

    /**
     * Compiles with {@code W=1} what some patches touch.
     *
     * @param request a kernel that has been built, so that it is known what depends on what
     * @param touching the patches
     */
    public Warnings warnings(KernelRequest request, List<Path> touching) {
        return kernels.at(
                request,
                "looking for warnings in",
                place -> {
                    Git git = place.source().git();
                    git.removeLocks();
                    git.checkout(
                            place.patches()
                                    .apply(git, KernelSource.PRISTINE, place.source().version()));
                    Set<String> files = new TreeSet<>();
                    touching.forEach(patch -> files.addAll(PatchSeries.files(patch)));
                    List<String> all = objects(place, files);
                    List<String> some = all.subList(0, Math.min(MAX_OBJECTS, all.size()));
                    return new Warnings(
                            compile(place, some), some.size(), all.size() - some.size());
                });
    }

    private static Set<String> compile(Kernels.Workplace place, List<String> objects) {
        Set<String> found = new TreeSet<>();
        if (objects.isEmpty()) {
            return found;
        }
        place.progress().phase("configuring");
        Path build = place.build().resolveSibling(place.build().getFileName() + "-W1");
        Kbuild kbuild = new Kbuild(place.source().directory(), build);
        try {
            Files.createDirectories(build);
        } catch (IOException e) {
            throw Disk.failure("cannot compile with W=1", build, e);
        }
        KernelConfig.make(kbuild, place.fragments());
        place.progress().phase("compiling " + objects.size() + " objects with W=1");
        List<String> words = new ArrayList<>();
        words.add("-j" + Runtime.getRuntime().availableProcessors());
        words.addAll(List.of("--keep-going", "W=1"));
        words.addAll(objects);
        String prefix = place.source().directory() + "/";
        // Its status says nothing new: the kernel has been built already.
        int unused =
                kbuild.make(words.toArray(String[]::new))
                        .eachLine(
                                line -> {
                                    Matcher warning = WARNING.matcher(line.replace(prefix, ""));
                                    if (warning.matches()) {
                                        found.add(warning.group(1) + ": " + warning.group(3));
                                    }
                                })
                        .run();
        return found;
    }

    /** Objects made of these files, those of the files themselves first. */
    private static List<String> objects(Kernels.Workplace place, Collection<String> files) {
        Set<String> own = new TreeSet<>();
        Set<String> others = new TreeSet<>();
        List<String> sources =
                files.stream().map(file -> place.source().directory() + "/" + file).toList();
        if (!Files.isDirectory(place.build())) {
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
                String source = path.replaceFirst("\\.o$", ".c");
                if (!Files.exists(place.source().directory().resolve(source))
                        || NOT_KERNEL.matcher(path).matches()) {
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
