// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.report.Rule.Proof;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ContractPageTest {
    private static final Instant DAY = Instant.parse("2026-05-04T03:02:01Z");
    private static final Proof WHOLE = new Proof("Query.page", List.of());
    private static final Proof CASES =
            new Proof("Query.hole", List.of("Query.hole[a]", "Query.hole[b]"));

    @Test
    void aRuleIsProvedByAllItsScenariosAndAMutantThatOneOfThemNoticed() {
        RuleStatus status =
                status(
                        Map.of("broken", killedBy("Query.hole[b]")),
                        passed("Query.page"),
                        passed("Query.hole[a]"),
                        passed("Query.hole[b]"));

        assertThat(status.missing()).isEmpty();
        assertThat(ContractPage.overview(List.of(status)))
                .startsWith("1 of 1 rules are proved.\n")
                .contains("| PQ1  | passed  | 2 of 2        | 1 of 1         | proved |\n");
        assertThat(ContractPage.details(List.of(status)))
                .isEqualTo(
                        """
                        ### PQ1

                        what it says

                        Proved by

                        - `Query.page`: passed
                        - `Query.hole`: passed, 2 cases

                        Broken by

                        - `broken`: killed by `Query.hole[b]` (failed), 2026-05-04

                        """);
    }

    @Test
    void whatWasNotRunDoesNotCount() {
        Map<String, Optional<MutantFinding>> mutants = Map.of("broken", killedBy("Query.page"));

        assertThat(status(mutants).missing()).containsExactly("not run");
        RuleStatus inPart = status(mutants, passed("Query.page"), passed("Query.hole[a]"));
        assertThat(inPart.missing()).containsExactly("run in part");
        assertThat(ContractPage.details(List.of(inPart)))
                .contains("- `Query.hole`: passed, 1 of 2 cases\n");
        assertThat(status(Map.of("broken", Optional.empty()), all()).missing())
                .containsExactly("mutants not run");
    }

    @Test
    void aScenarioThatIsRedIsNamed() {
        RuleStatus status =
                status(
                        Map.of("broken", killedBy("Query.page")),
                        passed("Query.page"),
                        passed("Query.hole[a]"),
                        result("Query.hole[b]", Outcome.HUNG));

        assertThat(status.missing()).containsExactly("hung");
        assertThat(ContractPage.details(List.of(status)))
                .contains("- `Query.hole`: hung, 2 cases; hung `hole[b]`\n");
    }

    @Test
    void aMutantProvesNothingIfOnlyOthersNoticedItOrNobody() {
        Map<String, Optional<MutantFinding>> mutants = new LinkedHashMap<>();
        mutants.put("a", killedBy("Revoke.reset"));
        mutants.put("b", Optional.of(new MutantFinding(DAY, Map.of(), "")));
        mutants.put("c", Optional.of(new MutantFinding(DAY, Map.of(), "does not apply")));
        RuleStatus status = status(mutants, all());

        assertThat(status.missing()).containsExactly("no mutant killed");
        assertThat(ContractPage.details(List.of(status)))
                .contains(
                        "- `a`: killed by `Revoke.reset` (failed), 2026-05-04, but by no scenario that\n"
                                + "  proves this rule\n"
                                + "- `b`: survived, 2026-05-04\n"
                                + "- `c`: undecided, 2026-05-04: does not apply\n");
    }

    @Test
    void aRuleWithoutAnythingIsUnproved() {
        Rule bare = new Rule("XY1", "nobody cares", List.of(), Map.of());
        RuleStatus status = RuleStatus.of(bare, run(all()));

        assertThat(ContractPage.overview(List.of(status)))
                .startsWith("0 of 1 rules are proved; unproved: XY1.\n")
                .contains("unproved: no scenario, no mutant");
        assertThat(ContractPage.details(List.of(status)))
                .contains("Proved by nothing.\n", "Broken by nothing.\n");
    }

    @Test
    void partsOfAScenarioAndScenariosOfALongerNameAreOthers() {
        ScenarioResult part = SampleRun.asPartOf("Query.page", passed("Query.page[x]"));

        assertThat(status(Map.of(), part, passed("Query.pageOther")).verdict()).isEmpty();
    }

    @Test
    void theFrontPageBeginsWithTheContract() {
        String page = FrontPage.of(SampleRun.in(Path.of("r")), List.of(status(Map.of()).rule()));

        assertThat(page.lines().filter(line -> line.startsWith("#")))
                .containsExactly(
                        "# What this run says of the contract",
                        "## The contract",
                        "## Rule by rule",
                        "### PQ1");
        assertThat(page).contains("2 passed, 1 failed, 1 crashed").contains("7.3.4 0123abcd");
    }

    private static Optional<MutantFinding> killedBy(String scenario) {
        return Optional.of(new MutantFinding(DAY, Map.of(scenario, Outcome.FAILED), ""));
    }

    private static RuleStatus status(
            Map<String, Optional<MutantFinding>> mutants, ScenarioResult... results) {
        return RuleStatus.of(
                new Rule("PQ1", "what it says", List.of(WHOLE, CASES), mutants), run(results));
    }

    private static ScenarioResult[] all() {
        return new ScenarioResult[] {
            passed("Query.page"), passed("Query.hole[a]"), passed("Query.hole[b]")
        };
    }

    private static ScenarioResult passed(String id) {
        return result(id, Outcome.PASSED);
    }

    private static ScenarioResult result(String id, Outcome outcome) {
        return SampleRun.scenario(id, List.of("PQ1"), outcome, "", 1, null);
    }

    private static RunResult run(ScenarioResult... results) {
        return new RunResult(DAY, Duration.ZERO, Map.of(), List.of(results), Path.of("report"));
    }
}
