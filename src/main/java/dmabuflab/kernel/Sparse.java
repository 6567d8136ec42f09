// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Cache;
import dmabuflab.host.Command;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Progress;
import dmabuflab.host.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * sparse, which checks C with the kernel's own attributes. Those of Debian's releases cannot read
 * the headers of 7.3, so it is built of the newest source that Debian had when it was asked for.
 *
 * @param program in the cache
 */
public record Sparse(Path program) {
    private static final String NAME = "sparse";
    private static final String SUITE = "sid";

    /** What somebody's shell may hold and what would go into the program. */
    private static final List<String> DISTURBS = List.of("CC", "CFLAGS", "LDFLAGS", "MAKEFLAGS");

    /**
     * Returns it, fetched and built if that was not done before with this compiler and C library.
     *
     * @throws InfrastructureException if it cannot be had
     */
    public static Sparse obtain(Cache cache) {
        Sha256 tools = new Sha256();
        for (String tool : List.of("gcc", "ldd")) {
            tools.add(tool, Command.of(tool, "--version").output());
        }
        Path directory = cache.directory(NAME).resolve(tools.hex().substring(0, 16));
        try (Cache.Held lock = cache.lock(NAME, "building " + NAME)) {
            if (!Files.exists(directory)) {
                build(cache, directory);
            }
        }
        return new Sparse(directory.resolve(NAME));
    }

    private static void build(Cache cache, Path directory) {
        try (Progress progress = Progress.begin(NAME, cache.lastTime(NAME))) {
            Path files = AptArchive.of(cache, NAME).fetchSource(SUITE, progress);
            progress.phase("compiling");
            cache.publish(directory, filling -> build(files, filling));
        }
    }

    private static void build(Path files, Path filling) throws IOException {
        Path source = Files.createDirectory(filling.resolve("source"));
        Command.of("tar", "-xf", tarball(files).toString(), "--strip-components=1")
                .in(source)
                .check();
        Command make = Command.of("make", NAME).in(source).log(files.resolve("make.log"));
        DISTURBS.forEach(name -> make.env(name, null));
        make.check();
        Files.copy(source.resolve(NAME), filling.resolve(NAME));
        Cache.delete(source);
        Cache.delete(files);
    }

    private static Path tarball(Path files) throws IOException {
        try (Stream<Path> list = Files.list(files)) {
            return list.filter(file -> file.toString().contains(".orig.tar."))
                    .findFirst()
                    .orElseThrow(() -> new IOException("no tarball in " + files));
        }
    }

    /** As it says itself. */
    public String version() {
        return Command.of(program.toString(), "--version").output().strip();
    }

    /** How it is called, without what it is to check. */
    String command() {
        return program + " -fmax-warnings=unlimited";
    }
}
