// SPDX-License-Identifier: Apache-2.0
package dmabuflab.container;

import dmabuflab.host.Cache;
import dmabuflab.host.Disk;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file that the lab outside of a container holds locked while it lives. The lab inside ends when
 * it gets the lock: the engine would let it go on for ever.
 */
public final class Lifeline implements AutoCloseable {
    /** The system property of the lab inside, which names the file. */
    public static final String PROPERTY = "dmabuflab.lifeline";

    private static final int STATUS = 3;
    private static final String DIRECTORY = "containers";

    private final Path file;
    private final FileChannel channel;

    private Lifeline(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Holds one of this process, in a cache; deletes those that nobody holds any more. */
    static Lifeline hold(Cache cache) {
        Path directory = cache.directory(DIRECTORY);
        try (Cache.Held held = cache.lock(DIRECTORY, "starting a container")) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
                for (Path old : files) {
                    try (FileChannel channel = open(old)) {
                        if (channel.tryLock() != null) {
                            Files.delete(old);
                        }
                    }
                }
            }
            Path file = Files.createTempFile(directory, "lab-", ".lifeline");
            FileChannel channel = open(file);
            channel.lock();
            return new Lifeline(file, channel);
        } catch (IOException e) {
            throw Disk.failure("cannot lock a file in " + directory, directory, e);
        }
    }

    private static FileChannel open(Path file) throws IOException {
        return FileChannel.open(file, StandardOpenOption.WRITE);
    }

    Path file() {
        return file;
    }

    /** Ends this process, which is inside, when the one outside is no more. */
    public static void follow(Path file) {
        Thread follower = new Thread(() -> System.exit(waitFor(file)), "lifeline");
        follower.setDaemon(true);
        follower.start();
    }

    private static int waitFor(Path file) {
        try (FileChannel channel = open(file)) {
            channel.lock();
            System.err.println("lab: the lab outside of the container is gone");
        } catch (IOException e) {
            System.err.println("lab: cannot tell whether the lab outside lives: " + e);
        }
        return STATUS;
    }

    @Override
    public void close() {
        try {
            Files.delete(file);
            channel.close();
        } catch (IOException e) {
            throw Disk.failure("cannot delete " + file, file, e);
        }
    }
}
