// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskTest {

    @TempDir Path directory;

    @Test
    void knowsWhatIsFreeWhereNothingIsYet() {
        assertThat(Disk.free(directory.resolve("not/yet"))).isPositive();
    }

    @Test
    void tellsAFullDiskFromOtherTrouble() {
        assertThat(
                        Disk.failure(
                                "cannot write",
                                directory,
                                new IOException("No space left on device")))
                .hasMessageContaining("GiB free")
                .hasMessageContaining("free some space");
        assertThat(Disk.failure("cannot write", directory, new IOException("strange")))
                .hasMessageContaining("IOException: strange")
                .hasMessageNotContaining("GiB");
    }

    @Test
    void writesSizesForPeople() {
        assertThat(Disk.gib(5L << 29)).isEqualTo("2.5 GiB");
    }
}
