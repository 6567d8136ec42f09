// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A directory for what is needed for a moment, deleted with all that is in it when closed. */
public record Scratch(Path path) implements AutoCloseable {
    /**
     * Makes one.
     *
     * @param what it is for, a word of its name
     */
    public static Scratch create(String what) {
        try {
            return new Scratch(Files.createTempDirectory("dmabuf-lab-" + what + "-"));
        } catch (IOException e) {
            throw Disk.failure(
                    "cannot make a directory", Path.of(System.getProperty("java.io.tmpdir")), e);
        }
    }

    @Override
    public void close() {
        try {
            Cache.delete(path);
        } catch (IOException e) {
            throw Disk.failure("cannot delete " + path, path, e);
        }
    }
}
