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
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The source of one target, and of all that say they share it, in the cache: a git repository in
 * {@code src/<target>} whose tag {@code pristine} is the source untouched. Fetched once; later runs
 * need no network. To fetch it anew, delete the directory.
 *
 * @param directory the work tree
 * @param version what the source calls itself, for people
 * @param identity the same only for the same source
 */
record KernelSource(Path directory, String version, String identity) {

    /** The source untouched. */
    static final String PRISTINE = "refs/tags/pristine";

    private static final String RECORD = ".git/dmabuflab-source.json";

    /** What was fetched, kept beside it. */
    private record Origin(KernelTarget.Source source, String version) {}

    /** The source of {@code target} if it is in the cache already. Quick, except for a tree. */
    static Optional<KernelSource> present(KernelTarget target, ProjectFiles files, Cache cache) {
        Path directory = directory(target, cache);
        Path origin = directory.resolve(RECORD);
        if (!Files.exists(origin)) {
            return Optional.empty();
        }
        try {
            Origin known = new ObjectMapper().readValue(origin.toFile(), Origin.class);
            if (!known.source().equals(target.source().atAnyCommit())) {
                return Optional.empty();
            }
            if (target.source().commit() != null) {
                return Optional.of(at(target.source(), directory));
            } else if (target.source().tree() != null) {
                return Optional.of(follow(target, files, directory));
            }
            return Optional.of(new KernelSource(directory, known.version(), known.toString()));
        } catch (IOException e) {
            throw Disk.failure("cannot read " + origin, origin, e);
        }
    }

    /**
     * The source of {@code target}, fetched if need be. The caller holds the target's lock.
     *
     * @throws InfrastructureException if it cannot be had
     */
    static KernelSource obtain(
            KernelTarget target, ProjectFiles files, Cache cache, Progress progress) {
        Optional<KernelSource> present = present(target, files, cache);
        if (present.isPresent()) {
            return present.get();
        }
        checkSpace(cache);
        Path directory = directory(target, cache);
        KernelTarget.Source source = target.source();
        try {
            Cache.delete(directory); // it is there only if the target's source was changed
        } catch (IOException e) {
            throw Disk.failure("cannot delete an old source", directory, e);
        }
        if (source.tree() != null) {
            progress.phase("copying " + source.tree());
            cache.publish(directory, fresh -> record(fresh, source, ""));
            return present(target, files, cache).orElseThrow();
        }
        if (source.tarball() != null) {
            fromTarball(target, files, cache, progress);
        } else {
            fromPackage(target, cache, progress);
        }
        return present(target, files, cache).orElseThrow();
    }

    /** The repository. */
    Git git() {
        return Git.at(directory);
    }

    /** Better told now than after ten minutes of building. */
    private static void checkSpace(Cache cache) {
        long free = Disk.free(cache.root());
        if (free < Kernels.DISK_NEEDED) {
            throw new InfrastructureException(
                    "not enough disk for a kernel",
                    "%s free for %s, about %s needed"
                            .formatted(Disk.gib(free), cache.root(), Disk.gib(Kernels.DISK_NEEDED)),
                    Disk.WAYS_OUT);
        }
    }

    private static Path directory(KernelTarget target, Cache cache) {
        return cache.root().resolve("src").resolve(target.home());
    }

    private static void fromPackage(KernelTarget target, Cache cache, Progress progress) {
        KernelTarget.Source source = target.source();
        Path file = AptArchive.of(cache, source.packageName()).fetch(source.suite(), progress);
        String version = Command.of("dpkg-deb", "-f", file.toString(), "Version").output();
        Path unpacked = file.resolveSibling("unpacked");
        try {
            Cache.delete(unpacked);
            Command.of("dpkg-deb", "-x", file.toString(), unpacked.toString()).check();
            Path tarball = tarballIn(unpacked.resolve("usr/src"));
            unpack(target, cache, progress, tarball, source.packageName() + " " + version);
            Cache.delete(unpacked);
            Cache.delete(file);
        } catch (IOException e) {
            throw Disk.failure("cannot unpack " + file, file, e);
        }
    }

    private static Path tarballIn(Path directory) throws IOException {
        try (Stream<Path> list = Files.list(directory)) {
            return list.filter(file -> file.getFileName().toString().contains(".tar"))
                    .findFirst()
                    .orElseThrow(() -> new IOException("no tarball in the package"));
        }
    }

    private static void fromTarball(
            KernelTarget target, ProjectFiles files, Cache cache, Progress progress) {
        Path tarball = files.kernelConfig().resolve(target.source().tarball());
        progress.phase("checking " + tarball.getFileName());
        String found = Sha256.of(tarball);
        if (!found.equalsIgnoreCase(target.source().sha256())) {
            throw new InfrastructureException(
                    "will not use " + tarball,
                    "its sha256 is " + found + ", the target says " + target.source().sha256(),
                    "fetch the file again, or correct the target");
        }
        unpack(target, cache, progress, tarball, tarball.getFileName().toString());
    }

    private static void unpack(
            KernelTarget target, Cache cache, Progress progress, Path tarball, String version) {
        cache.publish(
                directory(target, cache),
                fresh -> {
                    progress.phase("unpacking " + tarball.getFileName());
                    Command.of(
                                    "tar",
                                    "--extract",
                                    "--strip-components=1",
                                    "--no-same-owner",
                                    // Newer than any object that was built from another source.
                                    "--touch",
                                    "--directory=" + fresh,
                                    "--file=" + tarball)
                            // More than one thread where the file was made for it.
                            .env("XZ_DEFAULTS", "--threads=0")
                            .check();
                    checkIsKernel(fresh, tarball.toString());
                    progress.phase("keeping the pristine source in git");
                    record(fresh, target.source(), version);
                    Git git = Git.at(fresh);
                    // Force: what a .gitignore of the source hides is part of the source here.
                    git.command("add", "--all", "--force", ".").check();
                    tag(git, git.commit("pristine: " + version, List.of()));
                });
    }

    /** Makes the repository and notes what it is for. */
    private static void record(Path directory, KernelTarget.Source source, String version)
            throws IOException {
        Git.at(directory).init();
        new ObjectMapper()
                .writeValue(
                        directory.resolve(RECORD).toFile(),
                        new Origin(source.atAnyCommit(), version));
    }

    /** Takes over the present state of a local tree, which is read and never written to. */
    private static KernelSource follow(KernelTarget target, ProjectFiles files, Path directory) {
        Path tree = files.kernelConfig().resolve(target.source().tree()).normalize();
        checkIsKernel(tree, tree.toString());
        Git git = Git.at(directory).withIndex("tree.index").withWorkTree(tree);
        git.removeLocks();
        // What the tree's .gitignore hides is what was built in it. But that of Debian's package
        // hides all of the source.
        boolean useless = git.command("check-ignore", "--no-index", "-q", "Makefile").run() == 0;
        git.command("add", "--all", useless ? "--force" : "--no-force", ".").check();
        String commit = git.commit("pristine: " + tree, List.of());
        tag(git, commit);
        return new KernelSource(
                directory, makefileVersion(tree) + " of " + tree, git.treeId(commit));
    }

    /** Takes over a commit of a local repository, whose objects are read where they are. */
    private static KernelSource at(KernelTarget.Source source, Path directory) {
        SourceTree tree = new SourceTree(Path.of(source.tree()), source.commit());
        Path alternates = directory.resolve(".git/objects/info/alternates");
        try {
            Files.createDirectories(alternates.getParent());
            Files.writeString(alternates, tree.objects() + "\n");
        } catch (IOException e) {
            throw Disk.failure("cannot borrow the objects of " + tree.directory(), alternates, e);
        }
        Git git = Git.at(directory);
        git.removeLocks();
        String name = tree.commit().substring(0, 12) + " of " + tree.directory();
        for (String file : List.of("Kbuild", "scripts/kconfig")) {
            if (git.command("cat-file", "-e", tree.commit() + ":" + file).run() != 0) {
                throw notAKernel(name);
            }
        }
        String content = git.treeId(tree.commit());
        tag(git, git.commitTree(content, "pristine: " + name, List.of()));
        return new KernelSource(directory, name, content);
    }

    private static void tag(Git git, String commit) {
        git.command("update-ref", PRISTINE, commit).check();
    }

    private static void checkIsKernel(Path directory, String name) {
        if (!Files.exists(directory.resolve("Kbuild"))
                || !Files.exists(directory.resolve("scripts/kconfig"))) {
            throw notAKernel(name);
        }
    }

    private static InfrastructureException notAKernel(String name) {
        return new InfrastructureException(
                "cannot use " + name + " as a kernel source",
                "it has no Kbuild and scripts/kconfig at its top",
                "give the top of a kernel tree, or a tarball with one directory at its top");
    }

    /** VERSION.PATCHLEVEL.SUBLEVEL and EXTRAVERSION of the top Makefile. */
    private static String makefileVersion(Path tree) {
        StringBuilder version = new StringBuilder();
        Pattern assignment =
                Pattern.compile("^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) = ?(.*)$");
        try (Stream<String> lines = Files.lines(tree.resolve("Makefile"))) {
            for (String line : lines.limit(10).toList()) {
                Matcher matcher = assignment.matcher(line);
                if (matcher.matches()) {
                    boolean dot = version.length() > 0 && !matcher.group(1).startsWith("EXTRA");
                    version.append(dot ? "." : "").append(matcher.group(2).strip());
                }
            }
        } catch (IOException e) {
            throw Disk.failure("cannot read the source's Makefile", tree, e);
        }
        return version.toString();
    }
}
