// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AnnotationsTest {
    private final StringWriter said = new StringWriter();

    @Test
    void gitHubIsToldInItsOwnFormat() {
        new Annotations(new PrintWriter(said), Map.of("GITHUB_ACTIONS", "true"))
                .error("regressed A.b[x,y]: 3/5", "100 %\nof it");
        assertThat(said.toString().strip())
                .isEqualTo("::error title=regressed A.b[x%2Cy]%3A 3/5::100 %25%0Aof it");
    }

    @Test
    void othersAreNot() {
        new Annotations(new PrintWriter(said), Map.of("CI", "true")).error("a", "b");
        assertThat(said.toString()).isEmpty();
    }
}
