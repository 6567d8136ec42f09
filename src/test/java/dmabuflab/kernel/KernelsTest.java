// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.host.Cache;
import dmabuflab.host.Command;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelsTest {
    private static final KernelRequest PLAIN = KernelRequest.of("9.8", "");

    @TempDir Path root;

    @Test
    void buildsOnceAndThenFindsIt() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.patch("0001-a", "drivers/one.c", "5", "five");

        KernelImage image = kernel.kernels().obtain("9.8", "");

        assertThat(kernel.compiled()).containsExactlyInAnyOrder("drivers/one.o", "drivers/two.o");
        assertThat(image.bzImage()).content().contains("4\nfive\n6").contains("CONFIG_DEVICE=y");
        assertThat(image.vmlinux()).exists();
        assertThat(image.config()).content().contains("CONFIG_BUS=y");
        assertThat(image.importerModule()).hasContent("importer");
        assertThat(image.uapiHeaders().resolve("linux/fake.h")).exists();
        assertThat(image.release()).isEqualTo("9.8.7-rc6");
        assertThat(image.commandLine()).isEqualTo("quiet");

        Cache.delete(kernel.build());
        assertThat(kernel.kernels().obtain("9.8", "")).isEqualTo(image);
        assertThat(kernel.build()).doesNotExist();
    }

    @Test
    void writesDownWhatWentIn() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        Path patch = kernel.patch("0001-a", "drivers/one.c", "5", "five");
        JsonNode manifest =
                new ObjectMapper()
                        .readTree(kernel.kernels().obtain("9.8", "debug").manifest().toFile());
        assertThat(manifest.path("target").asText()).isEqualTo("9.8");
        assertThat(manifest.path("variant").asText()).isEqualTo("debug");
        assertThat(manifest.path("source").asText()).isEqualTo("linux.tar.xz");
        assertThat(manifest.path("compiler").asText()).contains("gcc");
        assertThat(manifest.path("patches")).hasSize(1);
        JsonNode first = manifest.path("patches").path(0);
        assertThat(first.path("subject").asText()).isEqualTo("drivers: Replace 5 by five");
        assertThat(first.path("sha256").asText()).isEqualTo(Sha256.of(patch));
    }

    @Test
    void whatAnotherCompilerBuiltIsThrownAway() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.kernels().obtain("9.8", "");
        kernel.compiled();
        Path compiler = kernel.build().resolveSibling("9.8.compiler");
        assertThat(compiler).content().contains("gcc");
        Files.writeString(compiler, "cc 1.0");

        kernel.patch("0001-a", "drivers/one.c", "5", "five");
        kernel.kernels().obtain("9.8", "");

        assertThat(kernel.compiled()).containsExactlyInAnyOrder("drivers/one.o", "drivers/two.o");
        assertThat(compiler).content().contains("gcc");
    }

    @Test
    void rebuildsOnlyWhatAPatchTouches() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        KernelImage before = kernel.kernels().obtain("9.8", "");
        kernel.compiled();

        Path patch = kernel.patch("0001-a", "drivers/one.c", "5", "five");
        KernelImage after = kernel.kernels().obtain("9.8", "");
        assertThat(kernel.compiled()).containsExactly("drivers/one.o");
        assertThat(after.key()).isNotEqualTo(before.key());

        Files.delete(patch);
        assertThat(kernel.kernels().obtain("9.8", "")).isEqualTo(before);
        assertThat(kernel.compiled()).isEmpty();
    }

    @Test
    void doesNotBuildForANewCommitMessage() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        Path patch = kernel.patch("0001-a", "drivers/one.c", "5", "five");
        KernelImage before = kernel.kernels().obtain("9.8", "");
        kernel.compiled();
        Files.writeString(patch, Files.readString(patch).replace("better", "much better"));
        assertThat(kernel.kernels().obtain("9.8", "")).isEqualTo(before);
        assertThat(kernel.compiled()).isEmpty();
    }

    @Test
    void buildsVariantsAndMutantsBesideEachOther() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.patch("0001-a", "drivers/one.c", "5", "five");
        Path mutant = kernel.mutant("m", "drivers/two.c", "two", "too");
        Kernels kernels = kernel.kernels();
        KernelImage plain = kernels.obtain("9.8", "");
        kernel.compiled();

        KernelImage mutated = kernels.obtain(with(mutant));
        assertThat(kernel.compiled()).containsExactly("drivers/two.o");
        assertThat(mutated.bzImage()).content().contains("too").contains("five");

        KernelImage debug = kernels.obtain("9.8", "debug");
        assertThat(debug.config()).content().contains("CONFIG_DEBUG=y");
        assertThat(debug.bzImage()).content().contains("two");
        assertThat(plain.bzImage()).content().contains("two").doesNotContain("CONFIG_DEBUG");
        assertThat(kernels.obtain("9.8", "")).isEqualTo(plain);
    }

    @Test
    void buildsAPlainKernelFromTheSameSource() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.patch("0001-a", "drivers/one.c", "5", "five");
        kernel.plainTarget();

        KernelImage patched = kernel.kernels().obtain("9.8", "");
        KernelImage plain = kernel.kernels().obtain("9.8-plain", "");

        assertThat(patched.bzImage()).content().contains("five");
        assertThat(plain.bzImage()).content().contains("4\n5\n6");
        assertThat(patched.hasImporter()).isTrue();
        assertThat(plain.hasImporter()).isFalse();
        assertThat(kernel.cache.root().resolve("src/9.8-plain")).doesNotExist();
        assertThat(kernel.kernels().obtain("9.8", "")).isEqualTo(patched);
    }

    @Test
    void selftestsAreBuiltAgainOnlyIfTheirSourceDiffers() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.patch("0001-a", "drivers/one.c", "5", "five");
        Path elsewhere = kernel.mutant("m", "drivers/one.c", "1", "eins");
        Path linkedTo = kernel.mutant("n", "drivers/two.c", "two", "too");
        Kernels kernels = kernel.kernels();

        Path programs = kernels.selftests(kernels.obtain(PLAIN), PLAIN);
        assertThat(programs.resolve("iommu/prog"))
                .isExecutable()
                .content()
                .contains("two\n#define");
        assertThat(programs.resolve("build")).doesNotExist();

        KernelImage mutant = kernels.obtain(with(elsewhere));
        assertThat(kernels.selftests(mutant, with(elsewhere))).isEqualTo(programs);

        KernelImage other = kernels.obtain(with(linkedTo));
        Path others = kernels.selftests(other, with(linkedTo));
        assertThat(others.resolve("iommu/prog")).content().contains("too\n#define");
    }

    /** The work tree has what was built last. */
    @Test
    void aDebuggerIsShownTheSourceOfItsOwnKernel() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.patch("0001-a", "drivers/one.c", "5", "five");
        Path mutant = kernel.mutant("m", "drivers/one.c", "1", "eins");
        Kernels kernels = kernel.kernels();
        kernels.obtain(PLAIN);
        kernels.obtain(with(mutant));

        Path into = Files.createDirectory(root.resolve("copies"));
        Map<Path, Path> copies = kernels.copyChangedSources(PLAIN, into);
        assertThat(copies).hasSize(1);
        copies.forEach(
                (compiled, shown) -> {
                    assertThat(compiled).content().contains("five", "eins");
                    assertThat(shown).content().contains("five").doesNotContain("eins");
                });
    }

    @Test
    void onlyThoseSelftestsAreBuiltThatAreWanted() throws IOException {
        FakeKernel kernel = FakeKernel.asTree(root);
        Kernels kernels = kernel.kernels();

        Path programs = kernels.selftests(kernels.obtain(PLAIN), PLAIN);
        try (Stream<Path> all = Files.walk(programs)) {
            assertThat(all.filter(Files::isRegularFile))
                    .containsExactlyInAnyOrder(
                            programs.resolve("include/kselftest_harness.h"),
                            programs.resolve("iommu/prog"),
                            programs.resolve("kvm/guest_memfd_test"),
                            programs.resolve("kvm/x86/private_mem_kvm_exits_test"));
        }
    }

    @Test
    void casesOfSelftestsMayBeSlow() throws IOException {
        FakeKernel kernel = FakeKernel.asTree(root);
        Kernels kernels = kernel.kernels();

        Path programs = kernels.selftests(kernels.obtain(PLAIN), PLAIN);
        assertThat(programs.resolve("iommu/prog"))
                .content()
                .contains("#define TEST_TIMEOUT_DEFAULT 86400\n");
    }

    @Test
    void saysWhyASelftestCannotBeBuilt() throws IOException {
        FakeKernel kernel = FakeKernel.asTree(root);
        Kernels kernels = kernel.kernels();
        KernelImage image = kernels.obtain("9.8", "");
        kernels.selftests(image, PLAIN);
        FakeKernel.write(kernel.source.resolve("drivers/two.c"), "syntax error\n");

        assertThatThrownBy(() -> kernels.selftests(image, PLAIN))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("selftests in tools/testing/selftests/iommu")
                .hasMessageContaining("prog.c: error: 1:syntax error")
                .hasMessageContaining("output is in " + kernel.cache.root());
    }

    @Test
    void saysWhichHunkOfWhichPatchFails() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.patch("0001-a", "drivers/one.c", "5", "five");
        Path second = kernel.patch("0002-b", "drivers/one.c", "6", "six");
        assertThatThrownBy(() -> kernel.kernels().obtain("9.8", ""))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("patch " + second + " does not apply to linux.tar.xz")
                .hasMessageContaining(
                        "drivers/one.c, hunk 1 of 1 (@@ -6,3 +6,3 @@), finds no place");
    }

    @Test
    void saysWhichFileOfAPatchIsMissing() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        Path patch = kernel.patch("0001-a", "drivers/one.c", "5", "five");
        Files.writeString(patch, Files.readString(patch).replace("one.c", "three.c"));
        assertThatThrownBy(() -> kernel.kernels().obtain("9.8", ""))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("drivers/three.c: does not exist in index");
    }

    @Test
    void saysWhyAnOptionIsLost() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.fragment("base", "CONFIG_DEVICE=y\n");
        Path fragment = kernel.project.resolve("kernel-config/fragments/base.config");
        assertThatThrownBy(() -> kernel.kernels().obtain("9.8", ""))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("1 of 1 options")
                .hasMessageContaining("CONFIG_DEVICE=y (" + fragment + ":1) became n")
                .hasMessageContaining("Kconfig:6: depends on BUS (BUS=n)");
        kernel.fragment("base", "CONFIG_BUS=y\nCONFIG_DEVICE=y\n");
        assertThat(kernel.kernels().obtain("9.8", "").config()).exists();
    }

    @Test
    void showsTheFirstErrorsOfTheCompiler() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        Path patch = kernel.patch("0001-a", "drivers/one.c", "5", "syntax error");
        assertThatThrownBy(() -> kernel.kernels().obtain("9.8", ""))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("cannot build kernel 9.8")
                .hasMessageContaining("drivers/one.c:6:1: error: syntax error")
                .hasMessageContaining(kernel.build().resolveSibling("9.8.log").toString());
        Files.delete(patch);
        assertThat(kernel.kernels().obtain("9.8", "").bzImage()).content().contains("\n5\n");
    }

    @Test
    void mendsASourceInWhichGitWasKilled() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.kernels().obtain("9.8", "");
        Path git = kernel.unpacked().resolve(".git");
        Files.writeString(git.resolve("index.lock"), "");
        Files.writeString(git.resolve("series.index.lock"), "");
        Files.writeString(kernel.unpacked().resolve("drivers/two.c"), "half");
        Files.writeString(kernel.unpacked().resolve("drivers/three.c"), "of another patch");

        kernel.patch("0001-a", "drivers/one.c", "5", "five");
        assertThat(kernel.kernels().obtain("9.8", "").bzImage())
                .content()
                .contains("five", "two\n")
                .doesNotContain("half", "another");
    }

    @Test
    void mendsABuildInWhichMakeWasKilled() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        Path image = kernel.kernels().obtain("9.8", "").directory();
        kernel.compiled();
        Cache.delete(image);
        Path object = kernel.build().resolve("drivers/two.o");
        Files.writeString(object, "half");
        FileTime lately = FileTime.fromMillis(System.currentTimeMillis() + 10_000);
        Files.setLastModifiedTime(object, lately);
        Path mark = Files.writeString(kernel.build().resolveSibling("9.8.unfinished"), "");

        assertThat(kernel.kernels().obtain("9.8", "").bzImage()).content().doesNotContain("half");
        assertThat(kernel.compiled()).containsExactly("drivers/two.o");
        assertThat(mark).doesNotExist();
    }

    @Test
    void followsATreeAndNeverWritesToIt() throws IOException {
        FakeKernel kernel = FakeKernel.asTree(root);
        kernel.patch("0001-a", "drivers/one.c", "5", "five");
        FakeKernel.write(kernel.source.resolve("drivers/two.o"), "built in the tree");
        Map<Path, FileTime> before = times(kernel.source);

        KernelImage first = kernel.kernels().obtain("9.8", "");
        assertThat(first.bzImage()).content().contains("five").doesNotContain("in the tree");
        assertThat(times(kernel.source)).isEqualTo(before);
        assertThat(kernel.kernels().obtain("9.8", "")).isEqualTo(first);
        kernel.compiled();

        Files.writeString(kernel.source.resolve("drivers/two.c"), "changed");
        assertThat(kernel.kernels().obtain("9.8", "").bzImage()).content().contains("changed");
        assertThat(kernel.compiled()).containsExactly("drivers/two.o");
        assertThat(new ObjectMapper().readTree(first.manifest().toFile()).path("source").asText())
                .isEqualTo("9.8.7-rc6 of " + kernel.source);
    }

    @Test
    void takesATreeThatIgnoresItself() throws IOException {
        FakeKernel kernel = FakeKernel.asTree(root);
        FakeKernel.write(kernel.source.resolve(".gitignore"), "/*\n");
        git("init", "--quiet").in(kernel.source).check();
        assertThat(kernel.kernels().obtain("9.8", "").bzImage()).content().contains("two");
        FakeKernel.write(kernel.source.resolve("drivers/three.c"), "three\n");
        assertThat(kernel.kernels().obtain("9.8", "").bzImage()).content().contains("three");
    }

    /** Git in the directory it runs in: under a rebase or a hook, git's variables name another. */
    private static Command git(String... words) {
        Command command =
                Command.of(Stream.concat(Stream.of("git"), Arrays.stream(words)).toList());
        for (String name : System.getenv().keySet()) {
            if (name.startsWith("GIT_")) {
                command.env(name, null);
            }
        }
        return command;
    }

    private static Map<Path, FileTime> times(Path directory) throws IOException {
        Map<Path, FileTime> times = new HashMap<>();
        try (Stream<Path> walk = Files.walk(directory)) {
            for (Path file : walk.toList()) {
                times.put(file, Files.getLastModifiedTime(file));
            }
        }
        return times;
    }

    @Test
    void takesAnotherSourceWhenTheTargetNamesOne() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.kernels().obtain("9.8", "");
        kernel.compiled();
        Files.writeString(kernel.source.resolve("drivers/two.c"), "newer");
        kernel.target("{\"tree\": \"" + kernel.source + "\"}");
        assertThat(kernel.kernels().obtain("9.8", "").bzImage()).content().contains("newer");
        assertThat(kernel.compiled()).contains("drivers/two.o");
    }

    @Test
    void refusesATarballWithAnotherDigest() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.target(
                "{\"tarball\": \"%s\", \"sha256\": \"00\"}"
                        .formatted(root.resolve("linux.tar.xz")));
        assertThatThrownBy(() -> kernel.kernels().obtain("9.8", ""))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("the target says 00");
        assertThat(kernel.unpacked()).doesNotExist();
    }

    @Test
    void refusesWhatIsNoKernel() throws IOException {
        FakeKernel kernel = FakeKernel.asTree(root);
        kernel.target("{\"tree\": \"" + kernel.project + "\"}");
        assertThatThrownBy(() -> kernel.kernels().obtain("9.8", ""))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("as a kernel source");
    }

    @Test
    void keepsTheHistoryForPeople() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.patch("0001-a", "drivers/one.c", "5", "fünf");
        kernel.kernels().obtain("9.8", "");
        assertThat(git("log", "--format=%s%n%b").in(kernel.unpacked()).output())
                .isEqualTo(
                        """
                        drivers: Replace 5 by fünf
                        Because it is better.

                        Signed-off-by: Somebody <somebody@example.org>
                        pristine: linux.tar.xz
                        """);
        String commit = Git.at(kernel.unpacked()).command("rev-parse", "HEAD").output();
        Cache.delete(kernel.cache.root());
        kernel.kernels().obtain("9.8", "");
        assertThat(Git.at(kernel.unpacked()).command("rev-parse", "HEAD").output())
                .isEqualTo(commit);
    }

    @Test
    void buildsACommitOfATreeAndLeavesTheTreeAlone() throws IOException {
        FakeKernel kernel = FakeKernel.asTree(root);
        Path tree = kernel.source;
        git(tree, "init", "--quiet");
        git(tree, "add", ".");
        git(tree, "commit", "--quiet", "-m", "base");
        Files.writeString(tree.resolve("drivers/one.c"), "uno\n");
        git(tree, "commit", "--quiet", "-am", "drivers: Say it in Spanish");
        Files.writeString(tree.resolve("drivers/one.c"), "not committed\n");
        Files.delete(tree.resolve("drivers/two.c"));
        String index = Sha256.of(tree.resolve(".git/index"));

        SourceTree base = SourceTree.at(tree, "HEAD~1");
        SourceTree head = SourceTree.at(tree, "HEAD");
        KernelImage first = kernel.kernels().obtain(in(base, List.of()));
        KernelImage second = kernel.kernels().obtain(in(head, List.of()));
        List<Path> patches =
                base.patchesTo(head.commit(), Files.createDirectory(root.resolve("patches")));
        KernelImage patched = kernel.kernels().obtain(in(base, patches));

        assertThat(first.bzImage()).content().contains("two").doesNotContain("uno");
        assertThat(second.bzImage()).content().contains("uno", "two");
        assertThat(patches).hasSize(1);
        assertThat(patched.key()).isEqualTo(second.key());
        assertThat(tree.resolve("drivers/one.c")).hasContent("not committed");
        assertThat(tree.resolve("drivers/two.c")).doesNotExist();
        assertThat(Sha256.of(tree.resolve(".git/index"))).isEqualTo(index);
    }

    @Test
    void whatBeginsLikeAnAppliedSeriesGoesOnFromThere() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.patch("0001-a", "drivers/one.c", "5", "five");
        Path second = kernel.patch("0002-b", "drivers/one.c", "1", "eins");
        kernel.kernels().obtain(PLAIN);
        Git git = Git.at(kernel.cache.root().resolve("src/9.8"));
        String refs = git.command("for-each-ref", "--format=%(refname)", "refs/applied").output();
        kernel.kernels().obtain(with(kernel.mutant("m", "drivers/two.c", "two", "too")));
        assertThat(git.command("for-each-ref", "--format=%(refname)", "refs/applied").output())
                .contains(refs.lines().toList())
                .satisfies(all -> assertThat(all.lines()).hasSize(3));

        Files.writeString(second, Files.readString(second).replace("+eins", "+uno"));
        assertThat(kernel.kernels().obtain(PLAIN).bzImage()).content().contains("uno", "five");
    }

    /** The last patch is the same, and has been applied before: on top of something else. */
    @Test
    void whatIsBelowTheLastPatchesCounts() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        Path first = kernel.patch("0001-a", "drivers/one.c", "5", "five");
        kernel.patch("0002-b", "drivers/two.c", "two", "too");
        kernel.kernels().obtain("9.8", "");

        Files.writeString(first, Files.readString(first).replace("+five", "+FIVE"));
        KernelImage edited = kernel.kernels().obtain("9.8", "");
        assertThat(edited.bzImage()).content().contains("FIVE", "too").doesNotContain("five");

        Files.delete(first);
        KernelImage without = kernel.kernels().obtain("9.8", "");
        assertThat(without.bzImage()).content().contains("4\n5\n6", "too");
    }

    @Test
    void aRevisionThatDoesNotExistIsNamed() throws IOException {
        Path tree = FakeKernel.asTree(root).source;
        git(tree, "init", "--quiet");
        assertThatThrownBy(() -> SourceTree.at(tree, "v1.0"))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("v1.0")
                .hasMessageContaining(tree.toString());
    }

    private static void git(Path directory, String... words) {
        String[] git = {
            "git", "-c", "user.name=a", "-c", "user.email=b", "-C", directory.toString()
        };
        Command.of(Stream.of(git, words).flatMap(Arrays::stream).toList()).check();
    }

    private static KernelRequest with(Path... patches) {
        return PLAIN.withPatches(List.of(patches));
    }

    private static KernelRequest in(SourceTree tree, List<Path> patches) {
        return new KernelRequest("9.8", "", Optional.of(tree), patches, List.of());
    }
}
