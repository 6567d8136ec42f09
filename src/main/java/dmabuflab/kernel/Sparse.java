// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Cache;
import dmabuflab.host.Command;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * sparse, which checks C with the kernel's own attributes. Those of Debian's releases cannot read
 * the headers of 7.3, so it is built of the newest source that Debian has.
 *
 * @param program in the cache
 */
public record Sparse(Path program) {
    private static final String NAME = "sparse";
    private static final String SUITE = "sid";

    /** What somebody's shell may hold and what would go into the program. */
    private static final List<String> DISTURBS = List.of("CC", "CFLAGS", "LDFLAGS", "MAKEFLAGS");

    /**
     * Returns it, fetched and built if that was not done before.
     *
     * @throws InfrastructureException if it cannot be had
     */
    public static Sparse obtain(Cache cache) {
        Path directory = cache.directory(NAME).resolve("built");
        Sparse sparse = new Sparse(directory.resolve(NAME));
        try (Cache.Held lock = cache.lock(NAME, "building sparse")) {
            if (!Files.exists(directory)) {
                build(cache, directory);
            }
        }
        return sparse;
    }

    private static void build(Cache cache, Path directory) {
        try (Progress progress = Progress.begin(NAME, cache.lastTime(NAME))) {
            Path files = AptArchive.in(cache).fetchSource(NAME, SUITE, progress);
            progress.phase("compiling");
            cache.publish(directory, filling -> build(files, filling));
        }
    }

    private static void build(Path files, Path filling) throws IOException {
        Path source = Files.createDirectory(filling.resolve("source"));
        Path tarball;
        try (Stream<Path> list = Files.list(files)) {
            tarball =
                    list.filter(file -> file.toString().contains(".orig.tar."))
                            .findFirst()
                            .orElseThrow(() -> new IOException("no tarball in " + files));
        }
        Path log = files.resolveSibling("sparse.log");
        Command.of(
                        "tar",
                        "-xf",
                        tarball.toString(),
                        "--strip-components=1",
                        "-C",
                        source.toString())
                .check();
        Command make = Command.of("make", "-C", source.toString(), NAME).log(log);
        DISTURBS.forEach(name -> make.env(name, null));
        make.check();
        Files.copy(source.resolve(NAME), filling.resolve(NAME));
        Cache.delete(source);
        Cache.delete(files);
    }

    /** As it says itself. */
    public String version() {
        return Command.of(program.toString(), "--version").output().strip();
    }
}
