// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DebianMirrorsTest {
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
        assertThat(DebianMirrors.byRelease(listing))
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
        assertThat(DebianMirrors.bySuite(uris, "bookworm"))
                .containsExactly("http://mirror.example/debian");
    }
}
