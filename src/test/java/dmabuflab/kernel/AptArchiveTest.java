// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.Cache;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Progress;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AptArchiveTest {

    @TempDir Path root;

    @Test
    void namesWhatCouldNotBeFetchedFromWhereAndTheOtherWays() {
        String mirror = "file:" + root.resolve("no-mirror");
        AptArchive apt = AptArchive.of(Cache.at(root.resolve("cache")), "linux-source-9.8");
        try (Progress progress = Progress.begin("test", Optional.empty())) {
            assertThatThrownBy(
                            () ->
                                    apt.fetch(
                                            Set.of(mirror),
                                            "hamm",
                                            AptArchive.Kind.BINARY,
                                            progress))
                    .isInstanceOf(InfrastructureException.class)
                    .hasMessageContaining("cannot fetch linux-source-9.8 from hamm")
                    .hasMessageContaining(mirror)
                    .hasMessageContaining("{\"tree\": ...}")
                    .hasMessageContaining("{\"tarball\": ...");
            assertThatThrownBy(() -> apt.fetch(Set.of(), "hamm", AptArchive.Kind.SOURCE, progress))
                    .isInstanceOf(InfrastructureException.class)
                    .hasMessageContaining("no source for Debian's main archive");
        }
    }
}
