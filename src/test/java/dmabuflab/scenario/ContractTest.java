// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.host.ProjectFiles;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ContractTest {
    private static final Path KERNEL_CONFIG = ProjectFiles.locate().kernelConfig();
    private static final Set<String> RULES =
            Contract.read(KERNEL_CONFIG.resolve("contract.md")).keySet();

    @Test
    void ruleGoesOnInIndentedLines() {
        assertThat(Contract.of("# Title\n\n- AB1 one\n  and more\n- no rule\n- AB2 two\n"))
                .containsExactlyEntriesOf(
                        new TreeMap<>(Map.of("AB1", "one and more", "AB2", "two")));
    }

    @Test
    void scenariosProveRulesThatThereAre() {
        assertThat(ScenarioRunner.list())
                .isNotEmpty()
                .allSatisfy(each -> assertThat(RULES).containsAll(each.rules()));
    }

    @Test
    void mutantsBreakRulesThatThereAre() {
        assertThat(Mutant.read(List.of(KERNEL_CONFIG.resolve("mutants"))))
                .isNotEmpty()
                .allSatisfy(each -> assertThat(RULES).as(each.name()).containsAll(each.breaks()));
    }
}
