// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Finds the memory of a guest among the files that its QEMU holds open. */
final class GuestRam {
    private GuestRam() {}

    /** The link among {@code descriptors} that leads to a memfd of {@code size} bytes. */
    static Path memfd(Path descriptors, long size) {
        List<Path> found = new ArrayList<>();
        List<String> others = new ArrayList<>();
        try (DirectoryStream<Path> links = Files.newDirectoryStream(descriptors)) {
            for (Path link : links) {
                try {
                    String target = Files.readSymbolicLink(link).toString();
                    if (!target.startsWith("/memfd:")) {
                        continue;
                    }
                    if (Files.size(link) == size) {
                        found.add(link);
                    } else {
                        others.add(target + " of " + Files.size(link) + " bytes");
                    }
                } catch (IOException closedMeanwhile) {
                    // QEMU opens and closes descriptors while we look; RAM stays.
                    continue;
                }
            }
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot look into " + descriptors,
                    String.valueOf(e.getMessage()),
                    "check that QEMU still runs, as the same user",
                    e);
        }
        if (found.size() != 1) {
            throw new InfrastructureException(
                    "guest RAM not found in " + descriptors,
                    found.size()
                            + " memfds of "
                            + size
                            + " bytes"
                            + (others.isEmpty() ? "" : " (others: " + others + ")"),
                    "give the machine one memory-backend-memfd of that size with share=on");
        }
        return found.get(0);
    }
}
