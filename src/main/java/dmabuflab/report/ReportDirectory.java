// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Where a run leaves its report: one folder per scenario, the summary files at its top. Safe for
 * several threads.
 */
public final class ReportDirectory {
    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyy-MM-dd_HHmmss");
    private static final String LATEST = "latest";

    /** Leaves room for suffixes within the 255 bytes of a file name. */
    private static final int MAX_NAME = 120;

    /** Those of this process, each with its lock, which is held until the process ends. */
    private static final Map<Path, FileChannel> CLAIMED = new HashMap<>();

    private static final String LOCK = ".lock";

    private final Path root;
    private final Map<String, Path> scenarios = new ConcurrentHashMap<>();

    private ReportDirectory(Path root) {
        this.root = root;
    }

    /**
     * A directory the user chose, created when missing. The summary files of an earlier run are
     * removed from it, so that they cannot be taken for this one's should it be killed.
     *
     * @throws InfrastructureException when it cannot be written, or another process writes there
     */
    public static ReportDirectory at(Path root) {
        try {
            Files.createDirectories(root);
            claim(root.toRealPath());
            for (String file : ReportWriters.FILES) {
                Files.deleteIfExists(root.resolve(file));
            }
            return new ReportDirectory(root);
        } catch (IOException e) {
            throw unwritable(root, e);
        }
    }

    /** Two runs that keep traces under the same names would read each other's. */
    private static synchronized void claim(Path root) throws IOException {
        if (CLAIMED.containsKey(root)) {
            return;
        }
        FileChannel channel =
                FileChannel.open(
                        root.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        if (channel.tryLock() == null) {
            channel.close();
            throw new InfrastructureException(
                    "will not write into " + root,
                    "another run is writing its report there",
                    "wait until it has ended, or give another --report");
        }
        CLAIMED.put(root, channel);
    }

    /**
     * A new directory named by local date and time, linked as {@code latest}.
     *
     * @throws InfrastructureException when it cannot be written
     */
    public static ReportDirectory dated(Path base) {
        try {
            Files.createDirectories(base);
            Path root = createNew(base, STAMP.format(LocalDateTime.now(ZoneId.systemDefault())));
            link(base.resolve(LATEST), root.getFileName());
            return new ReportDirectory(root);
        } catch (IOException e) {
            throw unwritable(base, e);
        }
    }

    /** The directory itself. */
    public Path root() {
        return root;
    }

    /**
     * The folder of one scenario, the same at every call and for no other scenario. At the first
     * call it is created; what an earlier run left there is deleted.
     *
     * @throws InfrastructureException when it cannot be written
     */
    public Path scenario(String id) {
        return scenarios.computeIfAbsent(
                id,
                key -> {
                    Path folder = root.resolve(folderName(key));
                    try {
                        delete(folder);
                        return Files.createDirectory(folder);
                    } catch (IOException e) {
                        throw unwritable(folder, e);
                    }
                });
    }

    /**
     * A name that needs no quoting in a shell. Different ids get different names: where characters
     * had to be replaced, a number made from the id tells them apart.
     */
    static String folderName(String id) {
        // A case in brackets is common and should read well; '@' cannot be part of a Java name.
        String name = id.replaceFirst("\\[(.*)\\]$", "@$1");
        String safe = name.replaceAll("[^A-Za-z0-9._@-]+", "_");
        if (safe.startsWith(".") || safe.startsWith("-")) {
            safe = "_" + safe;
        }
        if (safe.equals(name) && safe.length() <= MAX_NAME) {
            return safe;
        }
        return String.format(
                "%s-%08x", safe.substring(0, Math.min(safe.length(), MAX_NAME)), id.hashCode());
    }

    /** Two runs may start in the same second. */
    private static Path createNew(Path base, String name) throws IOException {
        for (int n = 1; ; n++) {
            try {
                return Files.createDirectory(base.resolve(n == 1 ? name : name + "-" + n));
            } catch (FileAlreadyExistsException e) {
                continue;
            }
        }
    }

    /** Replaces a link in one step: there is never none. */
    private static void link(Path link, Path target) throws IOException {
        Path fresh = link.resolveSibling("." + target + ".link");
        Files.deleteIfExists(fresh);
        Files.createSymbolicLink(fresh, target);
        Files.move(fresh, link, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            Files.deleteIfExists(folder);
            return;
        }
        Files.walkFileTree(
                folder,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(Path directory, IOException failure)
                            throws IOException {
                        if (failure != null) {
                            throw failure;
                        }
                        Files.delete(directory);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }

    private static InfrastructureException unwritable(Path where, IOException e) {
        return new InfrastructureException(
                "cannot create the report in " + where,
                e.toString(),
                "choose another place with --report DIR",
                e);
    }
}
