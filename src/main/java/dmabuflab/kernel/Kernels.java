// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.host.Cache;
import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Progress;
import dmabuflab.host.ProjectFiles;
import dmabuflab.host.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Kernel images by target: from the cache, or built.
 *
 * <p>An image's key covers the patched source, the final configuration, the compiler and the test
 * importer. Since that takes seconds to know, what is cheap to read (patches, fragments, the
 * source's record) has a key of its own, and an index leads from it to the image.
 *
 * <p>Safe for use by several threads and processes: of those that want kernels of one target one
 * builds and the others wait. Methods throw {@link InfrastructureException} if a kernel cannot be
 * had.
 */
public final class Kernels {

    /** Bytes that a target's source and its first build take, about. */
    public static final long DISK_NEEDED = 5L << 30;

    /** Goes up when this package builds another image from the same input. */
    private static final String RECIPE = "1";

    /** How the index names what goes into an image; what another way has noted is not looked at. */
    private static final String INDEX = "each patch with all before it";

    private static final int KEY_DIGITS = 20;

    private final ProjectFiles files;
    private final Cache cache;

    private Kernels(ProjectFiles files, Cache cache) {
        this.files = files;
        this.cache = cache;
    }

    /** The kernels that {@code files} describe, kept in {@code cache}. */
    public static Kernels of(ProjectFiles files, Cache cache) {
        return new Kernels(files, cache);
    }

    /**
     * The kernel of a target; the first time this takes minutes, with progress on stderr.
     *
     * @param variant empty, or for example {@code debug}
     */
    public KernelImage obtain(String target, String variant) {
        return obtain(KernelRequest.of(target, variant));
    }

    /**
     * The same of any kernel.
     *
     * @throws PatchConflict when a patch does not apply
     * @throws BuildFailure when it does not compile
     */
    public KernelImage obtain(KernelRequest request) {
        return obtain(inputs(request));
    }

    /**
     * The kernel of a target if nothing has to be built for it. That is never known of a source
     * tree of the user's own, which may have changed.
     */
    public Optional<KernelImage> cached(String target, String variant) {
        return cached(inputs(KernelRequest.of(target, variant)));
    }

    /** The variants that a target has. */
    public Set<String> variants(String target) {
        return KernelTarget.load(files, target).variants().keySet();
    }

    /**
     * The kernel's own selftests, built from the same source as the image: a directory of {@code
     * suite/program}, without those that this source does not have. Kernels whose patches leave the
     * selftests alone share them.
     *
     * @param request by which the image was obtained
     */
    public Path selftests(KernelImage image, KernelRequest request) {
        Inputs inputs = inputs(request);
        return knownSelftests(inputs).orElseGet(() -> makeSelftests(inputs, image.uapiHeaders()));
    }

    /**
     * What leads from a kernel's report to its source.
     *
     * @param request by which the image was obtained
     */
    public CrashSites crashSites(KernelImage image, KernelRequest request) {
        return new CrashSites(image.vmlinux(), history(inputs(request)));
    }

    /**
     * Copies what of a kernel's source may look otherwise where it was compiled: all kernels of a
     * target are built from one work tree.
     *
     * @param into an empty directory
     * @return the copies, by the names that debug information has
     */
    public Map<Path, Path> copyChangedSources(KernelRequest request, Path into) {
        return history(inputs(request)).map(history -> history.copyChanged(into)).orElse(Map.of());
    }

    /** Of a tree of the user's own it is not known whether the series is still on top of it. */
    private Optional<SourceHistory> history(Inputs inputs) {
        if (inputs.target().source().tree() != null) {
            return Optional.empty();
        }
        Optional<KernelSource> source = KernelSource.present(inputs.target(), files, cache);
        return source.map(KernelSource::git)
                .flatMap(
                        git ->
                                inputs.patches()
                                        .applied(git, KernelSource.PRISTINE)
                                        .map(
                                                commit ->
                                                        new SourceHistory(
                                                                git,
                                                                KernelSource.PRISTINE,
                                                                commit)));
    }

    /** As with images: never known of a tree of the user's own. */
    private Optional<Path> knownSelftests(Inputs inputs) {
        return inputs.target().source().tree() != null
                ? Optional.empty()
                : KernelSource.present(inputs.target(), files, cache)
                        .flatMap(source -> pointedTo(selftestsEntry(inputs, source), selftests()));
    }

    private Path makeSelftests(Inputs inputs, Path headers) {
        String what = "selftests of " + inputs.title();
        try (Cache.Held lock = cache.lock("selftests", "building " + what);
                Progress progress = Progress.begin(what, cache.lastTime("selftests"))) {
            Optional<Path> known = knownSelftests(inputs);
            if (known.isPresent()) {
                return known.get();
            }
            KernelSource source = sourceOf(inputs, progress);
            Path entry = selftestsEntry(inputs, source);
            Git index = source.git().withIndex("selftests.index");
            String commit =
                    inputs.patches().applyIn(index, KernelSource.PRISTINE, source.version());
            Selftests selftests = new Selftests(index, commit, headers);
            String key = selftests.key(inputs.compiler()).substring(0, KEY_DIGITS);
            Path programs = selftests().resolve(key);
            if (!Files.exists(programs)) {
                long begin = System.nanoTime();
                progress.phase("compiling");
                Path log = cache.directory("selftests-log").resolve(key + ".log");
                cache.publish(programs, fresh -> selftests.build(fresh, log));
                cache.rememberTime("selftests", Duration.ofNanos(System.nanoTime() - begin));
            }
            if (selftestsEntry(inputs, source).equals(entry)) {
                point(entry, key);
            }
            return programs;
        }
    }

    private Path selftests() {
        return cache.directory("selftests");
    }

    private Path selftestsEntry(Inputs inputs, KernelSource source) {
        String entry =
                new Sha256()
                        .add("kernel", inputs.key(source))
                        .add("recipe", Selftests.RECIPE)
                        .hex()
                        .substring(0, KEY_DIGITS);
        return cache.directory("selftests-index").resolve(entry);
    }

    /** The source an image was made of, fetched again if somebody has deleted it. */
    private KernelSource sourceOf(Inputs inputs, Progress progress) {
        KernelTarget target = inputs.target();
        // As above: a tree is looked at with its repository.
        if (target.source().tree() == null) {
            Optional<KernelSource> present = KernelSource.present(target, files, cache);
            if (present.isPresent()) {
                return present.get();
            }
        }
        try (Cache.Held lock = lockSource(target, "reading the source of " + inputs.title())) {
            return KernelSource.obtain(target, files, cache, progress);
        }
    }

    /** The source of a kernel while nobody else touches it. */
    record Workplace(KernelSource source, PatchSeries patches, Path build, Progress progress) {}

    /**
     * Does something with a kernel's source, which is fetched if need be, but not patched.
     *
     * @param doing what, for people who wait
     */
    <T> T at(KernelRequest request, String doing, Function<Workplace, T> work) {
        Inputs inputs = inputs(request);
        try (Cache.Held lock = lockSource(inputs.target(), doing + " " + inputs.title());
                Progress progress =
                        Progress.begin(doing + " " + inputs.title(), cache.lastTime(doing))) {
            long begin = System.nanoTime();
            KernelSource source = KernelSource.obtain(inputs.target(), files, cache, progress);
            T result = work.apply(new Workplace(source, inputs.patches(), build(inputs), progress));
            cache.rememberTime(doing, Duration.ofNanos(System.nanoTime() - begin));
            return result;
        }
    }

    private Cache.Held lockSource(KernelTarget target, String doing) {
        return cache.lock("kernel-" + target.home(), doing);
    }

    /** All that decides what an image becomes, except for the source. */
    private record Inputs(
            KernelTarget target,
            String variant,
            PatchSeries patches,
            List<Path> fragments,
            String compiler,
            String importer) {

        /** What is the same only for the same image, and cheap to know. */
        String key(KernelSource source) {
            Sha256 digest =
                    new Sha256()
                            .add("index", INDEX)
                            .add("recipe", RECIPE)
                            .add("source", source.identity())
                            .add("compiler", compiler)
                            .add("importer", importer);
            patches.patches().forEach(patch -> digest.add("patch", patch));
            fragments.forEach(fragment -> digest.add("fragment", fragment));
            return digest.hex();
        }

        String title() {
            return target.title(variant);
        }
    }

    private Inputs inputs(KernelRequest request) {
        KernelTarget described = KernelTarget.load(files, request.target());
        KernelTarget target =
                request.tree().map(described::in).orElse(described).with(request.patches());
        List<Path> fragments = new ArrayList<>(target.fragmentFiles(files, request.variant()));
        fragments.addAll(request.fragments());
        return new Inputs(
                target,
                request.variant(),
                target.patches(files).with(request.patches()),
                fragments,
                compiler(),
                target.importer() ? importerDigest() : "none");
    }

    private Optional<KernelImage> cached(Inputs inputs) {
        // A tree is looked at with its repository, so that needs the lock.
        if (inputs.target().source().tree() != null) {
            return Optional.empty();
        }
        return KernelSource.present(inputs.target(), files, cache)
                .flatMap(source -> indexed(inputs.key(source), inputs));
    }

    private KernelImage obtain(Inputs inputs) {
        Optional<KernelImage> cached = cached(inputs);
        if (cached.isPresent()) {
            return cached.get();
        }
        checkPaths();
        KernelTarget target = inputs.target();
        String what = "kernel " + inputs.title();
        try (Cache.Held lock = lockSource(target, "building " + what);
                Progress progress = Progress.begin(what, cache.lastTime(task(inputs)))) {
            long begin = System.nanoTime();
            KernelSource source = KernelSource.obtain(target, files, cache, progress);
            String input = inputs.key(source);
            Optional<KernelImage> known = indexed(input, inputs);
            if (known.isPresent()) {
                return known.get();
            }
            String key = make(inputs, source, begin, progress);
            // Whatever was edited meanwhile may have been read before or after.
            if (inputs.key(source).equals(input)) {
                point(index().resolve(input), key);
            }
            return image(key, inputs);
        }
    }

    /** Patches, configures, builds, publishes; returns the key of the image. */
    private String make(Inputs inputs, KernelSource source, long begin, Progress progress) {
        PatchSeries patches = inputs.patches();
        progress.phase("applying " + patches.patches().size() + " patches");
        Git git = source.git();
        git.removeLocks();
        String commit = patches.apply(git, KernelSource.PRISTINE, source.version());
        git.checkout(commit);

        progress.phase("configuring");
        Kbuild kbuild = new Kbuild(source.directory(), build(inputs));
        KernelBuild build = new KernelBuild(kbuild, inputs.title(), inputs.compiler());
        KernelConfig.make(kbuild, inputs.fragments());
        String config = Sha256.of(kbuild.build().resolve(".config"));
        String key =
                new Sha256()
                        .add("recipe", RECIPE)
                        .add("tree", git.treeId(commit))
                        .add("config", config)
                        .add("compiler", inputs.compiler())
                        .add("importer", inputs.importer())
                        .hex()
                        .substring(0, KEY_DIGITS);
        Path image = images().resolve(key);
        if (!Files.exists(image)) {
            String task = task(inputs);
            build.run(importer(inputs.target()), inputs.target().objects(), progress);
            requireSameImporter(inputs);
            progress.phase("keeping the image");
            Manifest manifest =
                    new Manifest(
                            key,
                            inputs.target().name(),
                            inputs.variant(),
                            release(kbuild.build()),
                            source.version(),
                            Manifest.patches(patches),
                            config,
                            inputs.compiler(),
                            (System.nanoTime() - begin) / 1e9,
                            Manifest.thisMachine());
            cache.publish(
                    image, fresh -> collect(kbuild, manifest, inputs.target().importer(), fresh));
            cache.rememberTime(task, Duration.ofNanos(System.nanoTime() - begin));
        }
        build.finish();
        return key;
    }

    private Optional<KernelImage> indexed(String input, Inputs inputs) {
        return pointedTo(index().resolve(input), images())
                .map(found -> image(found.getFileName().toString(), inputs));
    }

    /** What an entry of an index leads to, if both are still there. */
    private static Optional<Path> pointedTo(Path entry, Path among) {
        try {
            return Files.exists(entry)
                    ? Optional.of(among.resolve(Files.readString(entry).strip()))
                            .filter(Files::exists)
                    : Optional.empty();
        } catch (IOException e) {
            throw Disk.failure("cannot read " + entry, entry, e);
        }
    }

    private static void point(Path entry, String key) {
        Path partial = entry.resolveSibling(entry.getFileName() + ".partial");
        try {
            Files.writeString(partial, key + "\n");
            Files.move(partial, entry, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw Disk.failure("cannot write " + entry, entry, e);
        }
    }

    private KernelImage image(String key, Inputs inputs) {
        Path directory = images().resolve(key);
        Path manifest = directory.resolve("manifest.json");
        try {
            String release =
                    new ObjectMapper().readTree(manifest.toFile()).path("release").asText();
            return new KernelImage(
                    key,
                    inputs.target().name(),
                    inputs.variant(),
                    directory,
                    release,
                    inputs.target().commandLine());
        } catch (IOException e) {
            throw Disk.failure("cannot read " + manifest, manifest, e);
        }
    }

    private static void collect(Kbuild kbuild, Manifest manifest, boolean withImporter, Path to)
            throws IOException {
        Path build = kbuild.build();
        Files.copy(build.resolve("arch/x86/boot/bzImage"), to.resolve("bzImage"));
        Files.copy(build.resolve("vmlinux"), to.resolve("vmlinux"));
        Files.copy(build.resolve(".config"), to.resolve("config"));
        Path importer = KernelBuild.importerModule(kbuild);
        if (withImporter) {
            Files.copy(importer, to.resolve("pfn_importer.ko"));
        }
        copy(
                build.resolve("usr/include"),
                to.resolve("include"),
                file -> file.toString().endsWith(".h"));
        Path config = build.resolve(".config");
        if (KernelConfig.isOn(config, "GCOV_KERNEL")) {
            copy(build, to.resolve("gcno"), Kernels::isOfCountingObject);
        }
        if (KernelConfig.isOn(config, "GDB_SCRIPTS")) {
            // Beside vmlinux under just this name, gdb finds it by itself.
            Files.copy(build.resolve("vmlinux-gdb.py"), to.resolve("vmlinux-gdb.py"));
            copy(
                    build.resolve("scripts/gdb"),
                    to.resolve("scripts/gdb"),
                    file -> file.toString().endsWith(".py"));
        }
        manifest.write(to.resolve("manifest.json"));
    }

    /** Whether it is the compiler's note on an object that counts, and not on what it was once. */
    private static boolean isOfCountingObject(Path file) {
        String name = file.getFileName().toString();
        if (!name.endsWith(".gcno")) {
            return false;
        }
        Path made = file.resolveSibling("." + name.replaceFirst("gcno$", "o.cmd"));
        try {
            return Files.exists(made) && Files.readString(made).contains(" -ftest-coverage ");
        } catch (IOException e) {
            throw Disk.failure("cannot read " + made, made, e);
        }
    }

    /** Copies some files, with the directories they are in. */
    private static void copy(Path from, Path to, Predicate<Path> which) throws IOException {
        try (Stream<Path> walk = Files.walk(from)) {
            for (Path file : walk.filter(which).filter(Files::isRegularFile).toList()) {
                Path copy = to.resolve(from.relativize(file));
                Files.createDirectories(copy.getParent());
                Files.copy(file, copy);
            }
        }
    }

    private static String release(Path build) {
        Path file = build.resolve("include/config/kernel.release");
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw Disk.failure("cannot read the kernel's release", file, e);
        }
    }

    private void checkPaths() {
        for (Path path : List.of(files.root(), cache.root())) {
            if (path.toString().matches(".*[\\s:].*")) {
                throw new InfrastructureException(
                        "cannot build a kernel with " + path,
                        "the kernel's makefiles cannot cope with spaces and colons in a path",
                        "move the checkout, or set DMABUF_LAB_CACHE to another directory");
            }
        }
    }

    private static String compiler() {
        return Stream.of("gcc", "ld")
                .map(tool -> Command.of(tool, "--version").output().lines().findFirst().orElse(""))
                .reduce((gcc, ld) -> gcc + ", " + ld)
                .orElseThrow();
    }

    /** An image is named by the importer that it is to have, which is read last of all. */
    private void requireSameImporter(Inputs inputs) {
        if (inputs.target().importer() && !importerDigest().equals(inputs.importer())) {
            throw new InfrastructureException(
                    "cannot keep the kernel " + inputs.title(),
                    importerSource() + " was changed while it was built",
                    "do it again");
        }
    }

    private String importerDigest() {
        Sha256 digest = new Sha256();
        try (Stream<Path> list = Files.list(importerSource())) {
            list.filter(file -> file.getFileName().toString().matches(".*\\.[ch]|Kbuild|Makefile"))
                    .sorted()
                    .forEach(file -> digest.add(file.getFileName().toString(), file));
        } catch (IOException e) {
            throw Disk.failure("cannot read the test importer", importerSource(), e);
        }
        return digest.hex();
    }

    /** By what name to remember how long it took: a first build takes much longer than others. */
    private String task(Inputs inputs) {
        boolean first = KernelBuild.isFirst(build(inputs));
        return "kernel " + inputs.title() + (first ? "" : ", changes");
    }

    private Path build(Inputs inputs) {
        return cache.directory("build", inputs.title());
    }

    private Optional<Path> importer(KernelTarget target) {
        return target.importer() ? Optional.of(importerSource()) : Optional.empty();
    }

    private Path importerSource() {
        return files.guestTools().resolve("pfn-importer");
    }

    private Path images() {
        return cache.directory("kernels");
    }

    private Path index() {
        return cache.directory("kernel-index");
    }
}
