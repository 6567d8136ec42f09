// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.Cache;
import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.kernel.KernelImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The guest's root file system: busybox, bash, the agent, the test importer and an init, packed
 * into one cpio archive and cached by what went into it.
 *
 * @param file the archive
 * @param key hash of its inputs
 */
public record Initramfs(Path file, String key) {
    /** The archive's name, in the cache and in a bundle. */
    static final String NAME = "initramfs.cpio";

    private static final String KEY = "key";

    private static final Path BUSYBOX = Path.of("/bin/busybox");

    /** For people: it completes what they type. */
    private static final Path BASH = Path.of("/bin/bash-static");

    /** Returns the archive that belongs to this kernel, built when it is not in the cache. */
    public static Initramfs obtain(ProjectFiles project, Cache cache, KernelImage kernel) {
        requireProgram(BUSYBOX, "busybox-static");
        requireProgram(BASH, "bash-static");
        Path tools = project.guestTools();
        String key = key(own(tools), cache, kernel);
        Path directory =
                cache.publish(
                        cache.directory("initramfs").resolve(key),
                        filling -> {
                            build(tools, kernel, filling);
                            requireSame(key, tools, cache, kernel);
                        });
        return new Initramfs(directory.resolve(NAME), key);
    }

    private static void requireSame(String key, Path tools, Cache cache, KernelImage kernel) {
        if (!key(own(tools), cache, kernel).equals(key)) {
            throw new InfrastructureException(
                    "cannot pack the guest's root file system",
                    tools + " was changed meanwhile",
                    "do it again");
        }
    }

    private static List<Path> own(Path tools) {
        List<Path> own = new ArrayList<>(List.of(tools.resolve("init"), tools.resolve("bashrc")));
        own.addAll(files(tools.resolve("labctl")));
        // The importer's ioctl numbers and L2's program are compiled into labctl.
        own.addAll(files(tools.resolve("pfn-importer")));
        own.addAll(files(tools.resolve("l2")));
        return own;
    }

    /**
     * Kernels with the same headers and the same importer share an archive. To read hundreds of
     * headers takes longer than to load a guest, so what came of them is kept for each kernel, and
     * for Debian's programs as long as they have the same size and time.
     */
    private static String key(List<Path> own, Cache cache, KernelImage kernel) {
        Path index = cache.directory("initramfs-index");
        Path entry =
                cache.publish(
                        index.resolve(
                                Hash.of(
                                        own,
                                        kernel.key(),
                                        kernel.release(),
                                        identity(BUSYBOX),
                                        identity(BASH))),
                        filling -> {
                            List<Path> inputs = new ArrayList<>(List.of(BUSYBOX, BASH));
                            inputs.addAll(own);
                            if (kernel.hasImporter()) {
                                inputs.add(kernel.importerModule());
                            }
                            // labctl does what this kernel's headers know of.
                            inputs.addAll(files(kernel.uapiHeaders()));
                            Files.writeString(
                                    filling.resolve(KEY), Hash.of(inputs, kernel.release()));
                        });
        try {
            return Files.readString(entry.resolve(KEY));
        } catch (IOException e) {
            throw Disk.failure("cannot read what is known of a kernel", entry, e);
        }
    }

    private static String identity(Path program) {
        try {
            return program + " " + Files.size(program) + " " + Files.getLastModifiedTime(program);
        } catch (IOException e) {
            throw Disk.failure("cannot look at " + program, program, e);
        }
    }

    private static void requireProgram(Path program, String debianPackage) {
        if (!Files.exists(program)) {
            throw new InfrastructureException(
                    "cannot pack the guest's root file system",
                    program + " does not exist",
                    "install " + debianPackage);
        }
    }

    private static void build(Path tools, KernelImage kernel, Path filling) throws IOException {
        Path root = Files.createDirectory(filling.resolve("root"));
        Path log = filling.resolve("build.log");
        for (String name : List.of("bin", "etc", "lib/modules", "proc", "sys", "dev", "tmp")) {
            Files.createDirectories(root.resolve(name));
        }
        Command.of(
                        "make",
                        "-C",
                        tools.resolve("labctl").toString(),
                        "UAPI=" + kernel.uapiHeaders(),
                        "OUT=" + filling.resolve("labctl"))
                .log(log)
                .check();
        Files.copy(filling.resolve("labctl/labctl"), root.resolve("bin/labctl"));
        Files.copy(BUSYBOX, root.resolve("bin/busybox"));
        Files.copy(BASH, root.resolve("bin/bash"));
        Files.copy(tools.resolve("bashrc"), root.resolve("etc/bashrc"));
        if (kernel.hasImporter()) {
            Files.copy(kernel.importerModule(), root.resolve("lib/modules/pfn_importer.ko"));
        }
        Files.copy(tools.resolve("init"), root.resolve("init"));
        for (Path program : List.of(root.resolve("init"), root.resolve("bin/labctl"))) {
            if (!program.toFile().setExecutable(true)) {
                throw new IOException("cannot make " + program + " executable");
            }
        }
        // /init is a script of busybox's sh, which has to be there before init runs anything.
        Files.createSymbolicLink(root.resolve("bin/sh"), Path.of("busybox"));
        StringBuilder names = new StringBuilder();
        try (Stream<Path> walk = Files.walk(root)) {
            walk.forEach(path -> names.append(root.relativize(path)).append('\n'));
        }
        Command.of("cpio", "--quiet", "-o", "-H", "newc", "-F", filling.resolve(NAME).toString())
                .in(root)
                .input(names.toString().getBytes(StandardCharsets.UTF_8))
                .log(log)
                .check();
    }

    private static List<Path> files(Path directory) {
        try (Stream<Path> walk = Files.walk(directory)) {
            return walk.filter(Files::isRegularFile).sorted().toList();
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot read " + directory, e.toString(), "is the checkout complete?", e);
        }
    }
}
