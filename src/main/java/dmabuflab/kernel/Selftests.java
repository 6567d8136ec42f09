// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Cache;
import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The kernel's own selftests of what this lab is about, built from one commit of its source as
 * programs that need nothing of the guest but its kernel. Their sources are taken out of the
 * repository, so no work tree is touched.
 */
final class Selftests {

    /**
     * A directory below tools/testing/selftests.
     *
     * @param programs those to build, empty for all
     */
    private record Suite(String name, List<String> programs) {}

    private static final List<Suite> SUITES =
            List.of(
                    new Suite("iommu", List.of()),
                    new Suite("vfio", List.of()),
                    new Suite("dmabuf-heaps", List.of()),
                    // About memory; all the others would take minutes.
                    new Suite(
                            "kvm",
                            List.of(
                                    "guest_memfd_test",
                                    "memslot_modification_stress_test",
                                    "pre_fault_memory_test",
                                    "set_memory_region_test",
                                    "x86/private_mem_conversions_test",
                                    "x86/private_mem_kvm_exits_test")));

    private static final String TOP = "tools/testing/selftests";

    /** What the suites include from elsewhere; symbolic links among all these are followed. */
    private static final List<String> SHARED =
            List.of(
                    "tools/include",
                    "tools/arch/x86/include",
                    "tools/build/Build.include",
                    "tools/lib/rbtree.c",
                    "scripts/subarch.include",
                    "drivers/iommu/iommufd/iommufd_test.h",
                    TOP + "/cgroup/lib",
                    TOP + "/clone3/clone3_selftests.h");

    /** Where kselftest says how long a case may take: 30 s, for a kernel on a real processor. */
    private static final String HARNESS = TOP + "/kselftest_harness.h";

    private static final Pattern CASE_LIMIT =
            Pattern.compile("(?m)^(#define TEST_TIMEOUT_DEFAULT) \\d+$");

    /** In seconds: what runs a program has a limit that grows with how slow its guest is. */
    private static final String NO_CASE_LIMIT = "86400";

    /** Where the headers go that all of them may include. */
    static final String INCLUDE = "include";

    /** Differs when something else becomes of the same source. */
    static final String RECIPE = SUITES + " of " + SHARED + ", " + NO_CASE_LIMIT + ", " + INCLUDE;

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
        SUITES.forEach(suite -> add(TOP + "/" + suite.name()));
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
        Sha256 digest = new Sha256().add("recipe", RECIPE).add("compiler", compiler);
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
     * @param filling receives the programs, as {@code suite/program}, and {@code include}
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
        allowSlowCases(source.resolve(HARNESS));
        for (Suite suite : SUITES) {
            Path directory = source.resolve(TOP).resolve(suite.name());
            if (Files.isDirectory(directory)) {
                Path out = Files.createDirectory(scratch.resolve(suite.name()));
                make(new Kbuild(source, out), directory, goals(suite, directory, out), log);
                keepPrograms(out, Files.createDirectory(filling.resolve(suite.name())));
            }
        }
        keepHeaders(source.resolve(TOP), Files.createDirectory(filling.resolve(INCLUDE)));
        Cache.delete(scratch);
    }

    /** For tests that are written like these. */
    private static void keepHeaders(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".h")).toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    private static void allowSlowCases(Path harness) throws IOException {
        if (Files.exists(harness)) {
            String text = Files.readString(harness);
            Files.writeString(
                    harness, CASE_LIMIT.matcher(text).replaceFirst("$1 " + NO_CASE_LIMIT));
        }
    }

    /** What to ask make for, of a source that may be older than some of the programs. */
    private static List<String> goals(Suite suite, Path directory, Path out) {
        return suite.programs().isEmpty()
                ? List.of("all")
                : suite.programs().stream()
                        .filter(program -> Files.exists(directory.resolve(program + ".c")))
                        .map(program -> out.resolve(program).toString())
                        .toList();
    }

    private void make(Kbuild kbuild, Path directory, List<String> goals, Path log) {
        if (goals.isEmpty()) {
            return; // without one make would build all
        }
        List<String> said = new ArrayList<>();
        List<String> words =
                new ArrayList<>(
                        List.of(
                                "make",
                                "-j" + Runtime.getRuntime().availableProcessors(),
                                "-C",
                                directory.toString(),
                                "OUTPUT=" + kbuild.build(),
                                "ARCH=x86_64",
                                "KHDR_INCLUDES=-isystem " + headers,
                                // The guest has no libraries, and nobody debugs there.
                                "USERLDFLAGS=-static -s"));
        words.addAll(goals);
        Command make = kbuild.undisturbed(Command.of(words), List.of(headers));
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
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                if (!file.getFileName().toString().contains(".") && Files.isExecutable(file)) {
                    Path kept = to.resolve(from.relativize(file));
                    Files.createDirectories(kept.getParent());
                    Files.copy(file, kept);
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
