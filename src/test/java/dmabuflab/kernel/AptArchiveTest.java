// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
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
    void tellsTheMainArchiveFromTheOthers() {
        String listing =
                """
                Some Vendor|Some Vendor|https://vendor.example/apt
                Debian|Debian|cdrom:[Debian]/
                Debian|Debian|http://mirror.example/debian
                Debian|Debian-Security|http://mirror.example/debian-security
                Debian|Debian|http://mirror.example/debian
                Debian|Debian|file:/srv/mirror
                $(ORIGIN)|$(LABEL)|http://never.example/fetched
                """;
        assertThat(AptArchive.mirrorsByRelease(listing))
                .containsExactly("http://mirror.example/debian", "file:/srv/mirror");
    }

    @Test
    void guessesByTheSuiteBeforeTheFirstUpdate() {
        String uris =
                """
                'http://mirror.example/debian/dists/bookworm/InRelease' mirror_InRelease 0\s
                'http://mirror.example/debian/dists/bookworm-updates/InRelease' mirror_InRelease 0\s
                'http://mirror.example/debian-security/dists/bookworm-security/InRelease' x 0\s
                'http://mirror.example/debian/dists/bookworm/main/binary-all/Packages.xz' x 0\s
                """;
        assertThat(AptArchive.mirrorsBySuite(uris, "bookworm"))
                .containsExactly("http://mirror.example/debian");
    }

    @Test
    void namesWhatCouldNotBeFetchedFromWhereAndTheOtherWays() {
        String mirror = "file:" + root.resolve("no-mirror");
        AptArchive apt = AptArchive.in(Cache.at(root.resolve("cache")));
        try (Progress progress = Progress.begin("test", Optional.empty())) {
            assertThatThrownBy(
                            () -> apt.fetch(Set.of(mirror), "linux-source-9.8", "hamm", progress))
                    .isInstanceOf(InfrastructureException.class)
                    .hasMessageContaining("cannot fetch linux-source-9.8 from hamm")
                    .hasMessageContaining(mirror)
                    .hasMessageContaining("{\"tree\": ...}")
                    .hasMessageContaining("{\"tarball\": ...");
            assertThatThrownBy(() -> apt.fetch(Set.of(), "linux-source-9.8", "hamm", progress))
                    .isInstanceOf(InfrastructureException.class)
                    .hasMessageContaining("no source for Debian's main archive");
        }
    }
}
