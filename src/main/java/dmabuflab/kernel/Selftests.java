// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Cache;
import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The kernel's own selftests of what this lab is about, built from one commit of its source as
 * programs that need nothing of the guest but its kernel. Their sources are taken out of the
 * repository, so no work tree is touched.
 */
final class Selftests {

    /** Directories below tools/testing/selftests. */
    private static final List<String> SUITES = List.of("iommu", "vfio");

    private static final String TOP = "tools/testing/selftests";

    /** What the suites include from elsewhere; symbolic links among all these are followed. */
    private static final List<String> SHARED =
            List.of(
                    "tools/include",
                    "tools/arch/x86/include",
                    "scripts/subarch.include",
                    "drivers/iommu/iommufd/iommufd_test.h");

    /** What somebody's shell may hold and what would go into the programs. */
    private static final List<String> DISTURBS =
            List.of("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS", "LDLIBS", "EXTRA_CFLAGS", "TARGET_ARCH");

    private static final int TROUBLE_LINES = 12;
    private static final String LINK = "120000";

    private final Git git;
    private final String commit;
    private final Path headers;
    private final TreeMap<String, String> sources = new TreeMap<>();

    /**
     * @param headers the kernel's user interface, as {@link KernelImage#uapiHeaders}
     */
    Selftests(Git git, String commit, Path headers) {
        this.git = git;
        this.commit = commit;
        this.headers = headers;
        SHARED.forEach(this::add);
        SUITES.forEach(suite -> add(TOP + "/" + suite));
        lines("ls-tree", "--full-tree", "--name-only", commit, TOP + "/").stream()
                .filter(file -> file.matches(".*\\.(h|mk)"))
                .forEach(this::add);
        // A link may lead to another one.
        for (Set<String> links = links(); !links.isEmpty(); links = links()) {
            links.forEach(this::add);
        }
    }

    /** Names everything that goes into the programs: the same key, the same programs. */
    String key(String compiler) {
        Sha256 digest = new Sha256().add("compiler", compiler);
        sources.forEach(digest::add);
        try (Stream<Path> walk = Files.walk(headers)) {
            for (Path file : walk.filter(Files::isRegularFile).sorted().toList()) {
                digest.add(headers.relativize(file).toString(), file);
            }
        } catch (IOException e) {
            throw Disk.failure("cannot read " + headers, headers, e);
        }
        return digest.hex();
    }

    /**
     * Builds the suites that this source has.
     *
     * @param filling receives the programs, as {@code suite/program}
     * @param log receives what make says
     * @throws InfrastructureException with the first errors
     */
    void build(Path filling, Path log) throws IOException {
        Path scratch = Files.createDirectory(filling.resolve("build"));
        Path source = Files.createDirectory(scratch.resolve("source"));
        Files.deleteIfExists(log);
        Path archive = scratch.resolve("source.tar");
        List<String> words = new ArrayList<>(List.of("archive", "--output=" + archive, commit));
        words.addAll(sources.keySet());
        git.command(words.toArray(String[]::new)).check();
        Command.of("tar", "-xf", archive.toString(), "-C", source.toString()).check();
        for (String suite : SUITES) {
            Path directory = source.resolve(TOP).resolve(suite);
            if (Files.isDirectory(directory)) {
                Path out = Files.createDirectory(scratch.resolve(suite));
                make(new Kbuild(source, out), directory, log);
                keepPrograms(out, Files.createDirectory(filling.resolve(suite)));
            }
        }
        Cache.delete(scratch);
    }

    private void make(Kbuild kbuild, Path directory, Path log) {
        List<String> said = new ArrayList<>();
        Command make =
                kbuild.undisturbed(
                        Command.of(
                                "make",
                                "-j" + Runtime.getRuntime().availableProcessors(),
                                "-C",
                                directory.toString(),
                                "OUTPUT=" + kbuild.build(),
                                "ARCH=x86_64",
                                "KHDR_INCLUDES=-isystem " + headers,
                                // The guest has no libraries, and nobody debugs there.
                                "USERLDFLAGS=-static -s"));
        DISTURBS.forEach(name -> make.env(name, null));
        int status = make.log(log).eachLine(said::add).run();
        if (status != 0) {
            throw new InfrastructureException(
                    "cannot build the kernel's selftests in " + TOP + "/" + directory.getFileName(),
                    said.stream()
                            .filter(line -> line.matches(".*(error: |cannot find|\\*\\*\\* ).*"))
                            .limit(TROUBLE_LINES)
                            .collect(Collectors.joining("\n")),
                    "all of make's output is in " + log);
        }
    }

    /** Programs have no suffix; what make leaves beside them has one. */
    private static void keepPrograms(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = file.getFileName().toString();
                if (!name.contains(".") && Files.isExecutable(file)) {
                    Files.copy(file, to.resolve(name));
                }
            }
        }
    }

    private void add(String path) {
        for (String line : lines("ls-tree", "--full-tree", "-r", commit, path)) {
            // <mode> SP <type> SP <object> TAB <file>
            String[] halves = line.split("\t", 2);
            sources.put(halves[1], halves[0]);
        }
    }

    /** What the links among the sources lead to and is not among them yet. */
    private Set<String> links() {
        Set<String> targets = new TreeSet<>();
        sources.forEach(
                (path, object) -> {
                    if (object.startsWith(LINK)) {
                        String blob = object.substring(object.lastIndexOf(' ') + 1);
                        String to = git.command("cat-file", "blob", blob).output();
                        targets.add(Path.of(path).resolveSibling(to).normalize().toString());
                    }
                });
        targets.removeAll(sources.keySet());
        targets.removeIf(path -> lines("ls-tree", "--full-tree", commit, path).isEmpty());
        return targets;
    }

    private List<String> lines(String... words) {
        return git.command(words).output().lines().toList();
    }
}
