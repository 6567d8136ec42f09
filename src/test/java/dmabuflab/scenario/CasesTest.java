// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.report.Cell;
import dmabuflab.report.Outcome;
import dmabuflab.report.RunResult;
import dmabuflab.report.ScenarioResult;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

class CasesTest {
    @TempDir Path report;

    enum Fruit {
        APPLE,
        PEAR,
        PLUM;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Retention(RetentionPolicy.RUNTIME)
    @Each
    @interface EachFruit {
        Fruit[] value() default {};
    }

    /** Stands for the extension that starts a guest: registered before any case is known. */
    static class Starter implements BeforeEachCallback {
        @Override
        public void beforeEach(ExtensionContext context) {
            context.publishReportEntry(
                    ReportingListener.BOOT,
                    Case.value(context, IommuModel.class)
                            .map(IommuModel::toString)
                            .orElse("no model"));
        }
    }

    @Tag(Catalogue.TAG)
    @ExtendWith(Starter.class)
    static class Scenarios {
        @EachFruit({Fruit.PLUM, Fruit.APPLE})
        @EachIommu({IommuModel.VTD, IommuModel.VIRTIO})
        @DisplayName("each fruit on each IOMMU")
        @Proves("PQ1")
        void both(TestReporter reporter, Fruit fruit, IommuModel model) {
            reporter.publishEntry(
                    ReportingListener.WITNESS + Witness.HARDWARE, fruit + " on " + model);
            reporter.publishEntry(
                    ReportingListener.CELL,
                    Expectation.value(Expectation.of(fruit, List.of(model), "is eaten")));
            if (model == IommuModel.VIRTIO && fruit == Fruit.PLUM) {
                throw new TestAbortedException("no plums there");
            }
        }

        @EachIommu
        void models() {}

        @Test
        void single() {}
    }

    @Test
    void aScenarioRunsOnceForEachCombination() {
        RunResult run = run(Map.of());

        assertThat(run.scenarios().stream().filter(s -> s.id().contains("both")))
                .extracting(s -> s.id().replaceFirst(".*\\$", ""))
                .containsExactly(
                        "Scenarios.both[apple,virtio-iommu]",
                        "Scenarios.both[apple,vtd]",
                        "Scenarios.both[plum,virtio-iommu]",
                        "Scenarios.both[plum,vtd]");
        assertThat(run.scenarios().stream().filter(s -> s.id().contains("models")))
                .hasSameSizeAs(IommuModel.values());
        assertThat(run.scenarios().stream().filter(s -> s.id().contains("single"))).hasSize(1);
    }

    @Test
    void aCaseKnowsItsValuesBeforeAnythingStarts() {
        ScenarioResult plum = only("both[plum,virtio-iommu]", run(Map.of()));

        assertThat(plum.boot()).isEqualTo("virtio-iommu");
        assertThat(plum.witnesses()).isEqualTo(Map.of("hardware", List.of("plum on virtio-iommu")));
        assertThat(only("single", run(Map.of())).boot()).isEqualTo("no model");
    }

    @Test
    void aCaseIsReportedUnderItsOwnNameWithTheScenariosTitleAndRules() {
        ScenarioResult plum = only("both[plum,virtio-iommu]", run(Map.of()));

        assertThat(plum.title()).isEqualTo("each fruit on each IOMMU");
        assertThat(plum.rules()).containsExactly("PQ1");
        assertThat(plum.rerun()).contains("both[plum,virtio-iommu]'");
        assertThat(plum.outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(plum.message()).isEqualTo("no plums there");
    }

    @Test
    void whatIsExpectedOfACaseReachesItsResultHoweverItEnds() {
        ScenarioResult plum = only("both[plum,virtio-iommu]", run(Map.of()));

        assertThat(plum.cell().row().name()).isEqualTo("plum");
        assertThat(plum.cell().row()).isGreaterThan(cell("apple").row());
        assertThat(plum.cell().column()).isEqualTo(cell("apple").column()).hasSize(1);
        assertThat(plum.cell().expected()).isEqualTo("is eaten");
        assertThat(only("single", run(Map.of())).cell()).isNull();
    }

    private Cell cell(String fruit) {
        return only("both[" + fruit + ",virtio-iommu]", run(Map.of())).cell();
    }

    abstract static class Shared {
        @EachIommu
        void inherited() {}
    }

    @Tag(Catalogue.TAG)
    static class Heir extends Shared {}

    @Test
    void anInheritedScenarioIsSelectedByTheClassItRunsIn() {
        Map<String, String> one = new Selection(List.of("Heir.inherited[vtd]")).toParameters();

        assertThat(Runs.run(report, one, Heir.class).scenarios())
                .extracting(s -> s.id().replaceFirst(".*\\$", ""))
                .containsExactly("Heir.inherited[vtd]");
    }

    @Test
    void oneCaseCanBeRunAlone() {
        Selection one = new Selection(List.of("Scenarios.both[plum,vtd]", "models"));

        assertThat(run(one.toParameters()).scenarios())
                .extracting(s -> s.id().replaceFirst(".*\\$Scenarios.", ""))
                .filteredOn(id -> id.startsWith("both"))
                .containsExactly("both[plum,vtd]");
    }

    private RunResult run(Map<String, String> parameters) {
        return Runs.run(report, parameters, Scenarios.class);
    }

    private static ScenarioResult only(String id, RunResult run) {
        return run.scenarios().stream().filter(s -> s.id().endsWith(id)).findFirst().orElseThrow();
    }
}
