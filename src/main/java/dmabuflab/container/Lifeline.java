// SPDX-License-Identifier: Apache-2.0
package dmabuflab.container;

import dmabuflab.host.Disk;
import java.io.IOException;
import java.nio.channels.FileChannel;
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

    private final FileChannel channel;

    private Lifeline(FileChannel channel) {
        this.channel = channel;
    }

    /** Holds a file, which is made. */
    static Lifeline hold(Path file) {
        try {
            FileChannel channel =
                    FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            channel.lock();
            return new Lifeline(channel);
        } catch (IOException e) {
            throw Disk.failure("cannot lock " + file, file, e);
        }
    }

    /** Ends this process, which is inside, when the one outside is no more. */
    public static void follow(Path file) {
        Thread follower = new Thread(() -> System.exit(waitFor(file)), "lifeline");
        follower.setDaemon(true);
        follower.start();
    }

    private static int waitFor(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.lock();
        } catch (IOException e) {
            System.err.println("lab: cannot tell whether the lab outside lives: " + e);
        }
        return STATUS;
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
