// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Cache;
import dmabuflab.host.Command;
import dmabuflab.host.ProjectFiles;
import dmabuflab.host.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A project whose kernel is a few lines long: its Makefile has the targets of a kernel's, its
 * "compiler" is cat(1), a source with the words "syntax error" does not compile.
 */
final class FakeKernel {

    private static final String MAKEFILE =
            """
            VERSION = 9
            PATCHLEVEL = 8
            SUBLEVEL = 7
            EXTRAVERSION = -rc6
            sources := $(wildcard drivers/*.c)

            allnoconfig:
            	@echo '# fake' >$(O)/.config
            	@cp $(KCONFIG_ALLCONFIG) $(O)/wanted
            	@grep -q CONFIG_BUS=y $(O)/wanted || sed -i /CONFIG_DEVICE/d $(O)/wanted
            	@grep '^CONFIG_.*=[^n]' $(O)/wanted >>$(O)/.config; true

            bzImage: $(sources:%.c=$(O)/%.o)
            	@mkdir -p $(O)/arch/x86/boot
            	@cat $^ $(O)/.config >$(O)/vmlinux
            	@cp $(O)/vmlinux $(O)/arch/x86/boot/bzImage

            .SECONDEXPANSION:
            $(O)/%.o: %.c $$(if $$(wildcard $$(@D)/.$$(@F).cmd),,FORCE)
            	@echo '  CC      $*.o'
            	@echo '$*.o' >>$(O)/compiled
            	@! grep -Hn 'syntax error' $< | sed 's/:syntax/:1: error: syntax/' | grep . >&2
            	@mkdir -p $(@D)
            	@cp $< $@
            	@echo 'savedcmd' >$(@D)/.$(@F).cmd

            FORCE:

            headers:
            	@mkdir -p $(O)/usr/include/linux
            	@echo '#define FAKE 1' >$(O)/usr/include/linux/fake.h

            ifdef M
            modules:
            	@mkdir -p $(MO)
            	@cat $(M)/*.c >$(MO)/pfn_importer.ko
            else
            modules:
            	@mkdir -p $(O)/include/config
            	@echo '9.8.7-rc6$(LOCALVERSION)' >$(O)/include/config/kernel.release
            endif
            """;

    // A selftest whose source is a link and the headers of the kernel it is for.
    private static final String SELFTEST =
            """
            all:
            	@cat prog.c ../kselftest_harness.h $(patsubst -isystem%,%,$(KHDR_INCLUDES))/linux/fake.h >$(OUTPUT)/prog
            	@chmod +x $(OUTPUT)/prog
            	@! grep -n 'syntax error' prog.c | sed 's/^/prog.c: error: /' | grep .
            """;

    // One of which only some programs are wanted.
    private static final String KVM_SELFTESTS =
            """
            all:
            	@echo 'nobody asked for all' && false
            $(OUTPUT)/%: %.c
            	@mkdir -p $(@D)
            	@cp $< $@ && chmod +x $@
            """;

    // -m -Q -O DIR FRAGMENT…
    private static final String MERGE =
            """
            #!/bin/sh
            out=$4
            shift 4
            cat "$@" >"$out/.config"
            """;

    private static final String KCONFIG =
            """
            config BUS
            	bool "A bus"

            config DEVICE
            	bool "A device"
            	depends on BUS
            """;

    final Path source;
    final Path project;
    final Cache cache;

    private FakeKernel(Path root) throws IOException {
        source = root.resolve("linux");
        project = root.resolve("project");
        cache = Cache.at(root.resolve("cache"));
        write(source.resolve("Makefile"), MAKEFILE);
        write(source.resolve("Kbuild"), "");
        write(source.resolve("Kconfig"), KCONFIG);
        write(source.resolve(".gitignore"), "*.o\n");
        write(source.resolve("drivers/one.c"), "one\n1\n2\n3\n4\n5\n6\n7\n8\n9\nend of one\n");
        write(source.resolve("drivers/two.c"), "two\n");
        write(source.resolve("tools/testing/selftests/iommu/Makefile"), SELFTEST);
        Files.createSymbolicLink(
                source.resolve("tools/testing/selftests/iommu/prog.c"),
                Path.of("../../../../drivers/two.c"));
        write(
                source.resolve("tools/testing/selftests/kselftest_harness.h"),
                "#define TEST_TIMEOUT_DEFAULT 30\n");
        Path kvm = source.resolve("tools/testing/selftests/kvm");
        write(kvm.resolve("Makefile"), KVM_SELFTESTS);
        write(kvm.resolve("guest_memfd_test.c"), "memfd\n");
        write(kvm.resolve("x86/private_mem_kvm_exits_test.c"), "exits\n");
        write(kvm.resolve("x86/msrs_test.c"), "not wanted\n");
        Path merge = write(source.resolve("scripts/kconfig/merge_config.sh"), MERGE);
        if (!merge.toFile().setExecutable(true)) {
            throw new IOException("cannot make " + merge + " executable");
        }
        write(project.resolve("guest-tools/pfn-importer/pfn_importer.c"), "importer\n");
        fragment("base", "# a comment\n\nCONFIG_BUS=y\nCONFIG_DEVICE=y\n");
        fragment("debug", "CONFIG_DEBUG=y\n");
        Files.createDirectories(project.resolve("kernel-config/series/9.8"));
    }

    /** A kernel given as a tree. */
    static FakeKernel asTree(Path root) throws IOException {
        FakeKernel kernel = new FakeKernel(root);
        kernel.target("{\"tree\": \"" + kernel.source + "\"}");
        return kernel;
    }

    /** A kernel given as a tarball. */
    static FakeKernel asTarball(Path root) throws IOException {
        FakeKernel kernel = new FakeKernel(root);
        Path tarball = root.resolve("linux.tar.xz");
        Command.of("tar", "-cJf", tarball.toString(), "-C", root.toString(), "linux").check();
        kernel.target(
                "{\"tarball\": \"%s\", \"sha256\": \"%s\"}".formatted(tarball, Sha256.of(tarball)));
        return kernel;
    }

    void target(String source) throws IOException {
        write(
                project.resolve("kernel-config/targets/9.8.json"),
                """
                {"name": "9.8", "source": %s, "fragments": ["base"],
                 "variants": {"debug": ["debug"]}, "series": "series/9.8", "commandLine": "quiet"}
                """
                        .formatted(source));
    }

    /** A second target that shares the source and has no patches and no importer. */
    void plainTarget() throws IOException {
        write(
                project.resolve("kernel-config/targets/9.8-plain.json"),
                """
                {"name": "9.8-plain", "source": {"target": "9.8"}, "fragments": ["base"],
                 "importer": false}
                """);
    }

    void fragment(String name, String text) throws IOException {
        write(project.resolve("kernel-config/fragments/" + name + ".config"), text);
    }

    /** Adds a patch to the series which replaces the line {@code from} of a file. */
    Path patch(String name, String file, String from, String to) throws IOException {
        return patch("series/9.8", name, file, from, to);
    }

    Path mutant(String name, String file, String from, String to) throws IOException {
        return patch("mutants", name, file, from, to);
    }

    private Path patch(String directory, String name, String file, String from, String to)
            throws IOException {
        List<String> lines = Files.readAllLines(source.resolve(file));
        int at = lines.indexOf(from);
        int first = Math.max(0, at - 1);
        int last = Math.min(lines.size() - 1, at + 1);
        StringBuilder hunk = new StringBuilder();
        for (int i = first; i <= last; i++) {
            hunk.append(i == at ? "-" + from + "\n+" + to : " " + lines.get(i)).append('\n');
        }
        int length = last - first + 1;
        return write(
                project.resolve("kernel-config").resolve(directory).resolve(name + ".patch"),
                """
                From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
                From: Somebody <somebody@example.org>
                Date: Thu, 1 Jan 2026 00:00:00 +0000
                Subject: [PATCH 1/2] drivers: Replace %s
                 by %s

                Because it is better.

                Signed-off-by: Somebody <somebody@example.org>
                ---
                 %s | 2 +-

                diff --git a/%s b/%s
                --- a/%s
                +++ b/%s
                @@ -%d,%d +%d,%d @@
                %s--\s
                2.39.5
                """
                        .formatted(
                                from, to, file, file, file, file, file, first + 1, length,
                                first + 1, length, hunk));
    }

    Kernels kernels() {
        return Kernels.of(ProjectFiles.at(project), cache);
    }

    Path build() {
        return cache.root().resolve("build/9.8");
    }

    Path unpacked() {
        return cache.root().resolve("src/9.8");
    }

    /** What was compiled since the last call. */
    List<String> compiled() throws IOException {
        Path list = build().resolve("compiled");
        if (!Files.exists(list)) {
            return List.of();
        }
        List<String> lines = Files.readAllLines(list);
        Files.delete(list);
        return lines;
    }

    static Path write(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text, StandardCharsets.UTF_8);
    }
}
