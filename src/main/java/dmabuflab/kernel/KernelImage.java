// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A finished kernel in the cache. Immutable, and so are its files.
 *
 * @param key names everything that went into it; two images with one key are the same
 * @param target name of the target, for example {@code 7.3}
 * @param variant empty, or for example {@code debug}
 * @param directory where its files are
 * @param release what {@code uname -r} says in a guest that runs it
 * @param commandLine the words the target wants on the kernel's command line
 */
public record KernelImage(
        String key,
        String target,
        String variant,
        Path directory,
        String release,
        String commandLine) {

    /** What QEMU boots. */
    public Path bzImage() {
        return directory.resolve("bzImage");
    }

    /** The kernel with its symbols. */
    public Path vmlinux() {
        return directory.resolve("vmlinux");
    }

    /** The final {@code .config}. */
    public Path config() {
        return directory.resolve("config");
    }

    /** Whether there is a test importer: not for a kernel without the series' interface. */
    public boolean hasImporter() {
        return Files.exists(importerModule());
    }

    /** The test importer, a module for exactly this kernel; see {@link #hasImporter}. */
    public Path importerModule() {
        return directory.resolve("pfn_importer.ko");
    }

    /** Headers for programs of the guest: the directory to give to the compiler's {@code -I}. */
    public Path uapiHeaders() {
        return directory.resolve("include");
    }

    /**
     * The same for kernels that do the same, as far as their code tells, whatever comments and line
     * numbers their sources have.
     */
    public String code() {
        return CodeDigest.of(this);
    }

    /**
     * Notes of the compiler on the objects that count what they execute, by their names in the
     * build directory. Not there unless the kernel was configured for that.
     */
    public Path counterNotes() {
        return directory.resolve("gcno");
    }

    /** Whether some of its objects count what they execute. */
    public boolean countsExecution() {
        return Files.exists(counterNotes());
    }

    /** Whether gdb knows lines and types of it, and the kernel's own commands. */
    public boolean hasGdbScripts() {
        return Files.exists(gdbLoader());
    }

    /** What gdb loads by itself, by its name beside vmlinux; see {@link #hasGdbScripts}. */
    public Path gdbLoader() {
        return directory.resolve("vmlinux-gdb.py");
    }

    /** The kernel's own commands for gdb, a directory; see {@link #hasGdbScripts}. */
    public Path gdbScripts() {
        return directory.resolve("scripts/gdb");
    }

    /** How it came about, for people and reports. */
    public Path manifest() {
        return directory.resolve("manifest.json");
    }
}
