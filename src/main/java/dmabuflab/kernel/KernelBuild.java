// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Cache;
import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Compiles a configured kernel, the test importer for it and the headers of its user interface. */
final class KernelBuild {

    private static final Pattern STEP = Pattern.compile("  (?:HOST)?(?:CC|AS|LD|AR) .*");
    private static final Pattern TROUBLE =
            Pattern.compile(".*(?:\\berror: |undefined reference|No space left|\\*\\*\\* ).*");
    private static final int TROUBLE_LINES = 12;
    private static final Duration IN_FLIGHT = Duration.ofSeconds(2);

    private final Kbuild kbuild;
    private final String title;
    private final Path log;
    private final Path unfinished;
    private final Path count;
    private final List<String> trouble = new ArrayList<>();

    /**
     * Takes the build directory, and makes it sound again if make was killed in it.
     *
     * @param title of the kernel, for messages
     * @param compiler that builds it: what another one built, programs for the build itself among
     *     it, is thrown away, as it may not even run here
     */
    KernelBuild(Kbuild kbuild, String title, String compiler) {
        this.kbuild = kbuild;
        this.title = title;
        // Not where the source's own code may put a link in their place.
        this.log = kbuild.build().resolveSibling(title + ".log");
        this.unfinished = kbuild.build().resolveSibling(title + ".unfinished");
        this.count = kbuild.build().resolveSibling(title + ".objects");
        try {
            Path built = kbuild.build().resolveSibling(title + ".compiler");
            if (Files.exists(built) && !Files.readString(built).equals(compiler)) {
                Cache.delete(kbuild.build());
                Files.createDirectory(kbuild.build());
            }
            Files.writeString(built, compiler);
            mend();
            Files.writeString(unfinished, "");
            Files.deleteIfExists(log);
        } catch (IOException e) {
            throw Disk.failure("cannot begin to build kernel " + title, kbuild.build(), e);
        }
    }

    /** Whether nothing was compiled here before. */
    static boolean isFirst(Path build) {
        return !Files.exists(build.resolve("vmlinux"));
    }

    /** Where the importer's module is after {@link #run}. */
    static Path importerModule(Kbuild kbuild) {
        return kbuild.build().resolve("pfn-importer/pfn_importer.ko");
    }

    /**
     * Builds all.
     *
     * @param importer directory of the importer's source, which is only read; empty for none
     * @param guess how many steps a first build has, 0 if not known
     * @throws InfrastructureException with the first errors and where the log is
     */
    void run(Optional<Path> importer, int guess, Progress progress) {
        boolean first = isFirst(kbuild.build());
        long total = first ? lastCount(guess) : 0;
        long[] steps = {0};
        Consumer<String> watch =
                line -> {
                    if (STEP.matcher(line).matches()) {
                        progress.step(++steps[0], total);
                    } else if (!trouble.isEmpty() || TROUBLE.matcher(line).matches()) {
                        trouble.add(line);
                    }
                };
        progress.phase("building objects");
        String jobs = "-j" + Runtime.getRuntime().availableProcessors();
        List<String> targets = new ArrayList<>(List.of(jobs, "bzImage", "modules", "headers"));
        if (KernelConfig.isOn(kbuild.build().resolve(".config"), "GDB_SCRIPTS")) {
            targets.add("scripts_gdb");
        }
        check(kbuild.make(targets.toArray(String[]::new)), watch);
        if (first && steps[0] > total / 2) { // else it went on where another one was stopped
            rememberCount(steps[0]);
        }
        if (importer.isPresent()) {
            progress.phase("building the test importer");
            String output = "MO=" + importerModule(kbuild).getParent();
            check(
                    kbuild.make(List.of(importer.get()), "M=" + importer.get(), output, "modules"),
                    watch);
        }
    }

    /** Says that make came to its end here by itself, and nothing is half written. */
    void finish() {
        try {
            Files.deleteIfExists(unfinished);
        } catch (IOException e) {
            throw Disk.failure("cannot finish kernel " + title, unfinished, e);
        }
    }

    private void check(Command make, Consumer<String> watch) {
        int status = make.log(log).eachLine(watch).run();
        if (status == 0) {
            return;
        }
        if (status < 128) {
            finish();
        }
        String lines =
                String.join("\n", trouble.subList(0, Math.min(TROUBLE_LINES, trouble.size())));
        if (Disk.isFull(lines)) {
            throw Disk.failure("cannot build kernel " + title, log, new IOException(lines));
        }
        if (status >= 128) {
            throw new InfrastructureException(
                    "make of kernel " + title + " was killed",
                    "by signal " + (status - 128) + (status == 137 ? ", maybe for memory" : ""),
                    "start it again; all of its output is in " + log);
        }
        throw new BuildFailure(
                "cannot build kernel " + title,
                "make ended with status " + status + "\n" + lines.indent(4).stripTrailing(),
                "all of its output is in " + log);
    }

    /**
     * Makes a build directory sound again in which make was killed. Beside each target {@code X}
     * kbuild writes {@code .X.cmd}, once X is complete, and makes X anew if that is missing. So it
     * is taken away where X is newer, because the kill hit X, or where it is among the last things
     * written, because the kill may have hit itself.
     */
    private void mend() throws IOException {
        if (!Files.exists(unfinished)) {
            return;
        }
        Map<Path, FileTime> notes = new HashMap<>();
        FileTime newest = FileTime.fromMillis(0);
        try (Stream<Path> walk = Files.walk(kbuild.build())) {
            for (Path note : walk.filter(KernelBuild::isNote).toList()) {
                notes.put(note, Files.getLastModifiedTime(note));
                newest = Collections.max(List.of(newest, notes.get(note), targetTime(note)));
            }
        }
        FileTime limit = FileTime.from(newest.toInstant().minus(IN_FLIGHT));
        for (Map.Entry<Path, FileTime> note : notes.entrySet()) {
            boolean older = targetTime(note.getKey()).compareTo(note.getValue()) > 0;
            if (older || note.getValue().compareTo(limit) >= 0) {
                Files.delete(note.getKey());
            }
        }
    }

    private static boolean isNote(Path file) {
        return file.getFileName().toString().matches("\\..+\\.cmd");
    }

    /** When the target was written that a note is about; long ago if there is none. */
    private static FileTime targetTime(Path note) throws IOException {
        String name = note.getFileName().toString();
        String target = name.substring(1, name.length() - ".cmd".length());
        try {
            return Files.getLastModifiedTime(note.resolveSibling(target));
        } catch (NoSuchFileException e) {
            return FileTime.fromMillis(0);
        }
    }

    private long lastCount(int guess) {
        try {
            return Long.parseLong(Files.readString(count).strip());
        } catch (IOException | NumberFormatException e) {
            return guess; // only for the progress bar
        }
    }

    private void rememberCount(long steps) {
        try {
            Files.writeString(count, steps + "\n");
        } catch (IOException e) {
            throw Disk.failure("cannot write " + count, count, e);
        }
    }
}
