// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.kernel.CountingKernel.Made;
import dmabuflab.kernel.Inspection.ChangedLine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CountingKernelTest {
    private static final KernelRequest PLAIN = KernelRequest.of("9.8", "");

    @TempDir Path root;

    @Test
    void anObjectIsNamedInTheMakefileThatMakesIt() throws IOException {
        Set<String> source = Set.of("drivers/vfio/Makefile", "arch/x86/kvm/Makefile");
        assertThat(made("drivers/vfio/main.c", source))
                .isEqualTo(new Made("drivers/vfio/Makefile", "main.o"));
        assertThat(made("arch/x86/kvm/mmu/mmu.c", source))
                .isEqualTo(new Made("arch/x86/kvm/Makefile", "mmu/mmu.o"));
        assertThat(made("drivers/vfio/main.c", Set.of("drivers/vfio/Kbuild")))
                .isEqualTo(new Made("drivers/vfio/Kbuild", "main.o"));
    }

    @Test
    void anObjectMadeFromElsewhereIsNamedThere() throws IOException {
        FakeKernel.write(
                root.resolve("virt/kvm/.kvm_main.o.cmd"),
                "savedcmd_arch/x86/kvm/../../../virt/kvm/kvm_main.o := gcc -c\n");
        assertThat(made("virt/kvm/kvm_main.c", Set.of("arch/x86/kvm/Makefile", "virt/Makefile")))
                .isEqualTo(new Made("arch/x86/kvm/Makefile", "../../../virt/kvm/kvm_main.o"));
    }

    private Made made(String file, Set<String> source) {
        return CountingKernel.made(root, file, source::contains);
    }

    @Test
    void thePatchAppliesAndMovesNoLine() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        Path series = kernel.patch("0001-a", "drivers/one.c", "5", "five");
        Path patch = root.resolve("coverage.patch");
        CountingKernel.writePatch(
                kernel.kernels(), PLAIN, List.of("drivers/one.c", "include/a.h"), patch);
        assertThat(patch)
                .content()
                .contains("--- a/Kbuild\n", "+GCOV_PROFILE_drivers/one.o := y\n")
                .doesNotContain("a.h");
        KernelImage image = kernel.kernels().obtain(PLAIN.withPatches(List.of(patch)));
        assertThat(image.vmlinux()).content().contains("4\nfive\n6");
        assertThat(series).exists();
    }

    @Test
    void eachChangedLineBelongsToThePatchThatBroughtIt() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        kernel.patch("0001-below", "drivers/one.c", "2", "below");
        Path one = kernel.mutant("one", "drivers/one.c", "5", "five\n+and a half");
        Path two = kernel.mutant("two", "drivers/one.c", "9", "nine");
        // A hunk of one line that becomes two.
        Files.writeString(one, Files.readString(one).replace("@@ -5,3 +5,3 @@", "@@ -5,3 +5,4 @@"));
        List<ChangedLine> lines =
                Inspection.with(kernel.kernels())
                        .changedLines(
                                PLAIN.withPatches(List.of(one, two)),
                                2,
                                List.of("drivers/one.c", "drivers/gone.c"));
        assertThat(lines)
                .containsExactly(
                        new ChangedLine("drivers/one.c", 6, 1, "five"),
                        new ChangedLine("drivers/one.c", 7, 1, "and a half"),
                        new ChangedLine("drivers/one.c", 11, 2, "nine"));
    }

    @Test
    void whatIsLinkedIntoNoKernelCannotCount() throws IOException {
        FakeKernel kernel = FakeKernel.asTarball(root);
        Path patch = root.resolve("coverage.patch");
        List<String> files =
                List.of("include/a.h", "tools/testing/selftests/iommu/iommufd.c", "Makefile");
        assertThat(CountingKernel.writePatch(kernel.kernels(), PLAIN, files, patch)).isFalse();
        assertThat(patch).doesNotExist();
    }
}
