// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class HunkTest {
    private static final List<String> PATCH =
            List.of(
                    "diff --git a/one.c b/one.c",
                    "@@ -1,2 +1,3 @@",
                    " one",
                    "+and a half",
                    " two",
                    "@@ -10,3 +11,3 @@ int f(void)",
                    " lock();",
                    "-\told();",
                    "+\tnew();",
                    " unlock();",
                    "-- ",
                    "2.39");

    @Test
    void isFoundByItsLine() {
        Optional<Hunk> hunk = Hunk.find(PATCH, "one.c", "10");
        assertThat(hunk.orElseThrow().toString())
                .isEqualTo("hunk 2 of 2 (@@ -10,3 +11,3 @@ int f(void))");
        assertThat(hunk.orElseThrow().expected())
                .containsExactly("lock();", "\told();", "unlock();");
        assertThat(Hunk.find(PATCH, "two.c", "10")).isEmpty();
    }

    @Test
    void saysWhatIsThereInstead() {
        Hunk hunk = Hunk.find(PATCH, "one.c", "10").orElseThrow();
        assertThat(hunk.difference(List.of("a", "lock();", "\tolder();", "unlock();", "b")))
                .isEqualTo(
                        """
                        expected at line 3:
                            \told();
                        found:
                            a
                            lock();
                          > \tolder();
                            unlock();
                            b""");
        assertThat(hunk.difference(List.of("nothing", "alike"))).isEmpty();
    }
}
