// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Puts files that never change into many directories, and takes space for them once: by hard links
 * where the file system lets it, else by links to the first copy. Safe for several threads.
 */
public final class Links {
    private final Map<Path, Path> copies = new ConcurrentHashMap<>();

    /** Makes {@code to}, which must not exist, a file like {@code from}. */
    public void put(Path from, Path to) throws IOException {
        if (!linked(from, to) && !linked(copies.getOrDefault(from, from), to)) {
            Files.copy(from, to, StandardCopyOption.COPY_ATTRIBUTES);
            copies.put(from, to);
        }
    }

    private static boolean linked(Path from, Path to) throws IOException {
        try {
            Files.createLink(to, from);
            return true;
        } catch (FileSystemException e) {
            return false; // of another file system or owner, or too many links: a copy is as good
            // says
        }
    }
}
