// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dmabuflab.host.InfrastructureException;
import dmabuflab.report.Outcome;
import dmabuflab.report.RunResult;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReportingListenerTest {
    @TempDir Path report;

    @Tag(Catalogue.TAG)
    static class Scenarios {
        @Test
        @Proves("PQ1")
        void holds(TestReporter reporter) {
            reporter.publishEntry(ReportingListener.BOOT, "restored");
            reporter.publishEntry(ReportingListener.WITNESS + Witness.HARDWARE, "said\nmore");
        }

        @Test
        @Proves("PQ1")
        void doesNot() {
            throw new AssertionError("expected 1 but was 2");
        }

        @Test
        void losesItsGuest() {
            throw new InfrastructureException("lost", "why", "next");
        }

        @Test
        @Disabled("needs a device that QEMU 7.2 lacks")
        void cannotRun() {}

        @ParameterizedTest(name = "{0}")
        @ValueSource(strings = {"one", "two"})
        void cases(String name) {}
    }

    @Tag(Catalogue.TAG)
    static class WithParts {
        @Test
        void program(TestReporter reporter) {
            List<Part> parts =
                    List.of(
                            new Part(1, "b.first", Outcome.PASSED, ""),
                            new Part(2, "a.second case", Outcome.FAILED, "line 1\nline 2"),
                            new Part(3, "c", Outcome.SKIPPED, "no huge pages"));
            parts.forEach(part -> reporter.publishEntry(part.key(), part.value()));
            throw new AssertionError("1 of 3 cases failed");
        }
    }

    @Tag(Catalogue.TAG)
    static class BrokenSource {
        @ParameterizedTest
        @MethodSource("missing")
        void neverRuns(String name) {}
    }

    static class NoScenarios {
        @Test
        void unrelated() {}
    }

    private RunResult run(Class<?> scenarios) {
        return Runs.run(report, Map.of(), scenarios);
    }

    @Test
    void everyScenarioHasItsOutcome() {
        RunResult result = run(Scenarios.class);

        assertThat(result.scenarios())
                .extracting(s -> s.id().replaceFirst(".*\\$", ""), s -> s.outcome())
                .containsExactly(
                        tuple("Scenarios.cannotRun", Outcome.SKIPPED),
                        tuple("Scenarios.cases[one]", Outcome.PASSED),
                        tuple("Scenarios.cases[two]", Outcome.PASSED),
                        tuple("Scenarios.doesNot", Outcome.FAILED),
                        tuple("Scenarios.holds", Outcome.PASSED),
                        tuple("Scenarios.losesItsGuest", Outcome.INFRASTRUCTURE));
        assertThat(result.exitStatus())
                .as("a red one outranks the lab's own failures")
                .isEqualTo(1);
    }

    @Test
    void whatAScenarioPublishesReachesItsResult() {
        RunResult result = run(Scenarios.class);

        assertThat(result.scenarios())
                .filteredOn(s -> s.id().endsWith("holds"))
                .singleElement()
                .satisfies(
                        s -> {
                            assertThat(s.rules()).containsExactly("PQ1");
                            assertThat(s.boot()).isEqualTo("restored");
                            assertThat(s.witnesses())
                                    .isEqualTo(Map.of("hardware", List.of("said", "more")));
                        });
    }

    @Test
    void partsHaveRowsOfTheirOwn() {
        RunResult result = run(WithParts.class);

        String program = "ReportingListenerTest$WithParts.program";
        assertThat(result.scenarios())
                .extracting(s -> s.id(), s -> s.outcome(), s -> s.message(), s -> s.partOf())
                .containsExactly(
                        tuple(program, Outcome.FAILED, "1 of 3 cases failed", null),
                        tuple(
                                program + "[a.second case]",
                                Outcome.FAILED,
                                "line 1\nline 2",
                                program),
                        tuple(program + "[b.first]", Outcome.PASSED, "", program),
                        tuple(program + "[c]", Outcome.SKIPPED, "no huge pages", program));
        assertThat(result.counts()).isEqualTo(Map.of(Outcome.FAILED, 1));
        assertThat(result.partCounts())
                .isEqualTo(Map.of(Outcome.PASSED, 1, Outcome.FAILED, 1, Outcome.SKIPPED, 1));
    }

    @Test
    void aRuleHoldsOnlyIfAllItsScenariosDo() {
        assertThat(run(Scenarios.class).rules().get("PQ1").values())
                .containsExactlyInAnyOrder(Outcome.FAILED, Outcome.PASSED);
    }

    @Test
    void scenariosThatCouldNotEvenBeCountedAreAnError() {
        RunResult result = run(BrokenSource.class);

        assertThat(result.scenarios())
                .singleElement()
                .matches(s -> s.outcome() == Outcome.INFRASTRUCTURE);
    }

    @Test
    void otherTestsLeaveNoReport() {
        assertThat(run(NoScenarios.class)).isNull();
        assertThat(report).isEmptyDirectory();
    }
}
