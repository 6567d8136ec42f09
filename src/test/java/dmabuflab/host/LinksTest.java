// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinksTest {
    @TempDir Path directory;

    @Test
    void aFileIsLinked() throws IOException {
        Path from = Files.writeString(directory.resolve("from"), "content");
        new Links().put(from, directory.resolve("to"));

        assertThat(Files.isSameFile(from, directory.resolve("to"))).isTrue();
    }

    /** The kernel's view of this machine is on a file system of its own, whatever else is. */
    @Test
    void whatCannotBeLinkedIsCopiedOnce() throws IOException {
        Path from = Path.of("/proc/version");
        assumeFalse(Files.getFileStore(from).equals(Files.getFileStore(directory)));
        Links links = new Links();
        links.put(from, directory.resolve("first"));
        links.put(from, directory.resolve("second"));

        assertThat(directory.resolve("second")).content().isEqualTo(Files.readString(from));
        assertThat(Files.isSameFile(directory.resolve("first"), directory.resolve("second")))
                .isTrue();
    }
}
