// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Free space, and what to tell somebody who ran out of it. */
public final class Disk {

    /** What somebody who has not enough of it can do. */
    public static final String WAYS_OUT =
            "free some space there, or put the cache elsewhere: DMABUF_LAB_CACHE=/some/directory";

    static final String FULL = "No space left on device";
    static final String QUOTA = "Disk quota exceeded";

    private Disk() {}

    /**
     * Bytes a user without privileges may still write where {@code path} is or will be.
     *
     * @throws InfrastructureException if the file system cannot be asked
     */
    public static long free(Path path) {
        try {
            return store(path).getUsableSpace();
        } catch (IOException e) {
            throw failure("cannot find out how much disk is free", path, e);
        }
    }

    /**
     * Turns an {@link IOException} into a report: a full disk names the file system, what is free
     * on it, and the ways out; anything else keeps its own words.
     *
     * @param what what could not be done
     * @param path the file or directory it happened at
     */
    public static InfrastructureException failure(String what, Path path, IOException cause) {
        String text = String.valueOf(cause.getMessage());
        if (isFull(text)) {
            return full(what, path, cause);
        }
        return new InfrastructureException(
                what,
                cause.getClass().getSimpleName() + ": " + text,
                "check that " + path + " exists and is writable",
                cause);
    }

    /** Whether the words of a program or an exception speak of a full disk. */
    public static boolean isFull(String text) {
        return text.contains(FULL) || text.contains(QUOTA);
    }

    static InfrastructureException full(String what, Path path, Throwable cause) {
        String where = path.toString();
        try {
            FileStore store = store(path);
            where = store + ", " + gib(store.getUsableSpace()) + " free";
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
        return new InfrastructureException(
                what,
                "no space left on the file system of " + path + " (" + where + ")",
                "free some space there, or put the cache elsewhere:"
                        + " DMABUF_LAB_CACHE=/some/directory",
                cause);
    }

    /** {@code bytes} in GiB with one digit, for people. */
    public static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
    }

    private static FileStore store(Path path) throws IOException {
        Path there = path.toAbsolutePath();
        while (!Files.exists(there) && there.getParent() != null) {
            there = there.getParent();
        }
        return Files.getFileStore(there);
    }
}
