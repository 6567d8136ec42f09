// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
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
                    List.of(),
                    Set.of("scenario", "race"),
                    List.of());

    private static final Listing ON_EACH_IOMMU =
            new Listing(
                    new ScenarioId("Iommufd", "cutOff", ""),
                    "title",
                    List.of("RV2"),
                    List.of(),
                    List.of(),
                    Set.of("scenario"),
                    List.of(List.of("vtd", "virtio-iommu"), List.of("reset", "close")));

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
    @ValueSource(strings = {"UR", "UR3", "IO*", "title", "edu", "revocation", "un", "Revo*.*[amd]"})
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

    @Test
    void namesWhatIsMeantAndNothingElse() {
        assertThat(new Selection(List.of("close")).names(ON_EACH_IOMMU))
                .containsExactly("Iommufd.cutOff[vtd,close]", "Iommufd.cutOff[virtio-iommu,close]");
        assertThat(Selection.ALL.names(ON_EACH_IOMMU)).containsExactly("Iommufd.cutOff");
        assertThat(new Selection(List.of("UR2")).names(ON_EACH_IOMMU)).isEmpty();
        assertThat(new Selection(List.of("UR2")).names(UNREVOKE))
                .containsExactly("Revocation.unrevoke");
        assertThat(new Selection(List.of("UR3")).names(UNREVOKE)).isEmpty();
    }

    @Test
    void aCaseIsMeantByItsNameOrOneOfItsValues() {
        assertThat(casesOf("Iommufd.cutOff[virtio-iommu,reset]"))
                .containsExactly("virtio-iommu,reset");
        assertThat(casesOf("Iommufd.*[*,close]"))
                .containsExactly("vtd,close", "virtio-iommu,close");
        assertThat(casesOf("virtio-*")).containsExactly("virtio-iommu,reset", "virtio-iommu,close");
        assertThat(casesOf("cutOff")).hasSize(4);
        assertThat(casesOf("RV2")).hasSize(4);
        assertThat(casesOf("vtd,reset")).as("a value, not a case").isEmpty();
    }

    @Test
    void aCaseThatDoesNotExistIsMistyped() {
        assertThat(
                        new Selection(List.of("Iommufd.cutOff[vtd]", "Iommufd.cutOff[vtd,close]"))
                                .unmatched(List.of(ON_EACH_IOMMU)))
                .containsExactly("Iommufd.cutOff[vtd]");
    }

    @Test
    void reachesTheCasesThroughConfigurationParameters() {
        Selection selection = new Selection(List.of("UR2", "a.b[c,d]"));

        assertThat(Selection.from(name -> Optional.ofNullable(selection.toParameters().get(name))))
                .isEqualTo(selection);
        assertThat(Selection.from(name -> Optional.empty())).isEqualTo(Selection.ALL);
    }

    private static List<String> casesOf(String pattern) {
        Selection selection = new Selection(List.of(pattern));
        List<String> cases =
                ON_EACH_IOMMU.cases().stream()
                        .filter(name -> selection.includes(ON_EACH_IOMMU, name))
                        .toList();
        assertThat(selection.includes(ON_EACH_IOMMU)).isEqualTo(!cases.isEmpty());
        return cases;
    }
}
