// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SelectionTest {
    private static final Listing UNREVOKE =
            new Listing(
                    new ScenarioId("Revocation", "unrevoke", ""),
                    "title",
                    List.of("UR1", "UR2"),
                    List.of("edu"),
                    Set.of("scenario", "race"));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UR2",
                "UR*",
                "*",
                "unrevoke",
                "Revocation",
                "Revocation.*",
                "Revo*.un*",
                "race",
                "Revocation.unrevoke[case one]"
            })
    void meansNamesClassesTagsAndRules(String pattern) {
        assertThat(new Selection(List.of("NOPE", pattern)).includes(UNREVOKE)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"UR", "UR3", "IO*", "title", "edu", "revocation", "un"})
    void meansNothingElse(String pattern) {
        assertThat(new Selection(List.of(pattern)).includes(UNREVOKE)).isFalse();
    }

    @Test
    void noPatternMeansAll() {
        assertThat(Selection.ALL.includes(UNREVOKE)).isTrue();
    }

    @Test
    void tellsWhichPatternsMatchNothing() {
        assertThat(new Selection(List.of("UR1", "typo")).unmatched(List.of(UNREVOKE)))
                .containsExactly("typo");
    }
}
