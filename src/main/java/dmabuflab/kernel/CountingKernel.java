// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Disk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * A kernel in which some objects count what they execute. Kbuild wants them named in the makefile
 * of their directory, so it has one patch more than the kernel it is about; no line of C moves.
 */
public final class CountingKernel {
    private CountingKernel() {}

    /**
     * Writes that patch.
     *
     * @param kernel what it goes on top of; built before, so that it is known where objects are
     *     made
     * @param files whose objects are to count, as far as they are linked into a kernel
     * @param patch the file to write
     * @return whether there is such a patch: not if none of these files can count
     */
    public static boolean writePatch(
            Kernels kernels, KernelRequest kernel, Collection<String> files, Path patch) {
        List<String> sources =
                files.stream()
                        .filter(file -> file.endsWith(".c") && Inspection.isOfKernel(file))
                        .toList();
        if (sources.isEmpty()) {
            return false;
        }
        String text =
                kernels.at(kernel, "looking for makefiles in", place -> patch(place, sources));
        try {
            Files.writeString(patch, text);
            return true;
        } catch (IOException e) {
            throw Disk.failure("cannot write " + patch, patch, e);
        }
    }

    private static String patch(Kernels.Workplace place, List<String> sources) {
        Git git = place.source().git();
        String commit = Inspection.commit(place);
        Map<String, List<String>> byMakefile = new TreeMap<>();
        for (String file : sources) {
            Made made = made(place.build(), file, name -> git.has(commit, name));
            byMakefile
                    .computeIfAbsent(made.makefile(), key -> new ArrayList<>())
                    .add("GCOV_PROFILE_" + made.object() + " := y");
        }
        StringBuilder text = new StringBuilder("Subject: Count what is executed\n\n");
        byMakefile.forEach(
                (makefile, lines) ->
                        text.append(diff(makefile, first(git, commit, makefile), lines)));
        return text.toString();
    }

    /**
     * Adds lines at the top of a file.
     *
     * @param first the line that is there, empty if there is none
     */
    private static String diff(String file, Optional<String> first, List<String> lines) {
        StringBuilder diff = new StringBuilder();
        diff.append("diff --git a/%1$s b/%1$s\n--- a/%1$s\n+++ b/%1$s\n".formatted(file));
        diff.append(
                first.isPresent()
                        ? "@@ -1,1 +1,%d @@\n".formatted(lines.size() + 1)
                        : "@@ -0,0 +1,%d @@\n".formatted(lines.size()));
        lines.forEach(line -> diff.append('+').append(line).append('\n'));
        first.ifPresent(line -> diff.append(' ').append(line).append('\n'));
        return diff.toString();
    }

    /**
     * Where an object is made.
     *
     * @param object as that makefile calls it
     */
    record Made(String makefile, String object) {}

    /**
     * Finds out where.
     *
     * @param exists whether the source has a file
     */
    static Made made(Path build, String file, Predicate<String> exists) {
        String target = target(build, file);
        int up = target.indexOf("/../");
        String directory = target.substring(0, up > 0 ? up : target.lastIndexOf('/'));
        while (true) {
            for (String name : List.of("Kbuild", "Makefile")) {
                String makefile = directory + "/" + name;
                if (exists.test(makefile)) {
                    return new Made(makefile, target.substring(directory.length() + 1));
                }
            }
            if (directory.indexOf('/') < 0) {
                return new Made("Kbuild", target); // of the top
            }
            directory = directory.substring(0, directory.lastIndexOf('/'));
        }
    }

    /** An object's name in the words of who makes it: from another directory, as KVM's are. */
    private static String target(Path build, String file) {
        String object = file.replaceFirst("\\.c$", ".o");
        Path path = build.resolve(object);
        Path note = path.resolveSibling("." + path.getFileName() + ".cmd");
        if (!Files.exists(note)) {
            return object; // its kernels are from the cache
        }
        try {
            String line = Files.readAllLines(note).get(0);
            return line.replaceFirst("^savedcmd_(\\S+) := .*$", "$1");
        } catch (IOException e) {
            throw Disk.failure("cannot read " + note, note, e);
        }
    }

    private static Optional<String> first(Git git, String commit, String file) {
        List<String> lines = new ArrayList<>();
        git.command("cat-file", "blob", commit + ":" + file).eachLine(lines::add).check();
        return lines.stream().findFirst();
    }
}
