// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * The directory in which the lab keeps what is slow to make: sources, build directories, kernels,
 * snapshots. Several processes may use one cache at the same time, and any of them may be killed at
 * any point: what has been published is complete, what was not is cleaned up by the next one.
 *
 * <p>Safe for use by several threads. Methods throw {@link InfrastructureException} when the file
 * system refuses; a full disk is named as such.
 */
public final class Cache {

    private static final String PARTIAL = ".partial";
    private static final Map<Path, ReentrantLock> IN_THIS_JVM = new ConcurrentHashMap<>();

    private final Path root;

    private Cache(Path root) {
        this.root = root.toAbsolutePath().normalize();
    }

    /**
     * The user's cache: {@code $DMABUF_LAB_CACHE}, else {@code $XDG_CACHE_HOME/dmabuf-lab}, else
     * {@code ~/.cache/dmabuf-lab}.
     */
    public static Cache locate() {
        // $HOME rather than user.home, which Java takes from the password file.
        String home = System.getenv().getOrDefault("HOME", System.getProperty("user.home"));
        return locate(System.getenv(), Path.of(home));
    }

    static Cache locate(Map<String, String> environment, Path home) {
        String own = environment.getOrDefault("DMABUF_LAB_CACHE", "");
        if (!own.isEmpty()) {
            return at(Path.of(own));
        }
        // The XDG specification says to ignore a relative path.
        String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path base = xdg.startsWith("/") ? Path.of(xdg) : home.resolve(".cache");
        return at(base.resolve("dmabuf-lab"));
    }

    /** The cache at {@code root}, which need not exist yet. */
    public static Cache at(Path root) {
        return new Cache(root);
    }

    /** The top of the cache; it may not exist yet. */
    public Path root() {
        return root;
    }

    /** The directory {@code names[0]/names[1]/…} of the cache, created when missing. */
    public Path directory(String... names) {
        Path directory = root;
        for (String name : names) {
            directory = directory.resolve(name);
        }
        try {
            return Files.createDirectories(directory);
        } catch (IOException e) {
            throw Disk.failure("cannot use the cache", directory, e);
        }
    }

    /** Puts files into the given empty directory. */
    @FunctionalInterface
    public interface Filler {
        void fill(Path directory) throws IOException;
    }

    /**
     * Makes {@code target} appear at once and complete, or not at all. If it exists already it is
     * left alone and {@code fill} is not called; of several callers one fills and the others wait.
     *
     * @param target a directory inside this cache; {@code fill} must not publish a sibling of it
     * @return {@code target}
     */
    public Path publish(Path target, Filler fill) {
        if (Files.exists(target)) {
            return target;
        }
        Path parent = directory(root.relativize(target.getParent()).toString());
        try (Held held = lock("publish-" + root.relativize(parent), "writing " + target)) {
            if (Files.exists(target)) {
                return target;
            }
            // Whoever left these behind is dead: a living one would hold the lock.
            try (DirectoryStream<Path> old = Files.newDirectoryStream(parent, "*" + PARTIAL)) {
                for (Path leftover : old) {
                    delete(leftover);
                }
            }
            Path partial = parent.resolve(target.getFileName() + PARTIAL);
            Files.createDirectory(partial);
            try {
                fill.fill(partial);
                Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException | RuntimeException | Error e) {
                deleteAfter(e, partial);
                throw e;
            }
            return target;
        } catch (AtomicMoveNotSupportedException e) {
            throw new IllegalArgumentException(target + " spans file systems", e);
        } catch (UncheckedIOException e) {
            throw Disk.failure("cannot write " + target, parent, e.getCause());
        } catch (IOException e) {
            throw Disk.failure("cannot write " + target, parent, e);
        }
    }

    private static void deleteAfter(Throwable failure, Path partial) {
        try {
            delete(partial);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    /** Deletes {@code path} and all below it; does nothing if it is not there. */
    public static void delete(Path path) throws IOException {
        List<Path> all;
        try (Stream<Path> walk = Files.walk(path)) {
            all = walk.sorted(Comparator.reverseOrder()).toList();
        } catch (NoSuchFileException e) {
            return;
        }
        for (Path each : all) {
            Files.deleteIfExists(each);
        }
    }

    /** A lock that is held until {@link #close}, which the locking thread must call. */
    public interface Held extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Waits until no other process or thread holds {@code name}, and holds it. While another
     * process has it, says on stderr which one and what it is doing. A thread may take a lock it
     * has again.
     *
     * @param doing what the lock is held for, for those who wait
     */
    public Held lock(String name, String doing) {
        Path file = directory("locks").resolve(name.replaceAll("[^\\w.-]", "_") + ".lock");
        // First inside the JVM, and the file opened only by the winner: closing any descriptor of a
        // file drops all locks the process has on it.
        ReentrantLock mine = IN_THIS_JVM.computeIfAbsent(file, key -> new ReentrantLock());
        mine.lock();
        if (mine.getHoldCount() > 1) {
            return mine::unlock;
        }
        FileChannel channel = null;
        try {
            channel =
                    FileChannel.open(
                            file,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock();
            if (lock == null) {
                System.err.println("waiting for process " + read(channel));
                lock = channel.lock();
            }
            write(channel, ProcessHandle.current().pid() + " (" + doing + ")");
        } catch (IOException e) {
            closeAfter(e, channel);
            mine.unlock();
            throw Disk.failure("cannot lock " + file, file, e);
        }
        FileChannel held = channel;
        return () -> {
            try {
                held.close();
            } catch (IOException e) {
                throw Disk.failure("cannot unlock " + file, file, e);
            } finally {
                mine.unlock();
            }
        };
    }

    private static void closeAfter(IOException failure, FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    private static String read(FileChannel channel) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(1000);
        channel.read(buffer, 0);
        return StandardCharsets.UTF_8.decode(buffer.flip()).toString().strip();
    }

    private static void write(FileChannel channel, String text) throws IOException {
        channel.truncate(0);
        channel.write(ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8)), 0);
    }

    /** How long {@code task} took when it was last done on this machine. */
    public Optional<Duration> lastTime(String task) {
        try {
            return Optional.of(Duration.ofMillis(Long.parseLong(Files.readString(time(task)))));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty(); // only a hint for people who wait
        }
    }

    /** Keeps {@code duration} for {@link #lastTime}. */
    public void rememberTime(String task, Duration duration) {
        Path file = time(task);
        try {
            Path partial = Files.createTempFile(file.getParent(), "time", PARTIAL);
            Files.writeString(partial, Long.toString(duration.toMillis()));
            Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw Disk.failure("cannot write " + file, file, e);
        }
    }

    private Path time(String task) {
        return directory("times").resolve(task.replaceAll("[^\\w.-]", "_"));
    }
}
