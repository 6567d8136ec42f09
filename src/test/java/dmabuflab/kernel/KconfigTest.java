// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KconfigTest {

    @TempDir Path tree;

    private Kconfig read(String text) throws IOException {
        FakeKernel.write(tree.resolve("drivers/Kconfig"), text);
        return Kconfig.read(tree);
    }

    @Test
    void namesTheDependencyThatDoesNotHold() throws IOException {
        Kconfig kconfig =
                read(
                        """
                        menuconfig SHARED
                        	tristate "Sharing"
                        	depends on MMU && \\
                        		(PCI || ISA)
                        	depends on !SMALL
                        	select SOMETHING
                        	help
                        	  Sharing needs much.
                        	  depends on nothing here

                        config AFTER
                        	bool "After"
                        """);
        assertThat(kconfig.explain("SHARED", "y", Map.of("MMU", "y", "SMALL", "y")))
                .isEqualTo(
                        "\n    drivers/Kconfig:3: depends on MMU && (PCI || ISA)"
                                + " (ISA=n, MMU=y, PCI=n)"
                                + "\n    drivers/Kconfig:5: depends on !SMALL (SMALL=y)");
        assertThat(kconfig.explain("SHARED", "y", Map.of("MMU", "y", "ISA", "m"))).isEmpty();
        assertThat(kconfig.explain("AFTER", "y", Map.of())).isEmpty();
    }

    @Test
    void looksAtTheBlocksAround() throws IOException {
        Kconfig kconfig =
                read(
                        """
                        menu "Devices"
                        	depends on HAS_IOMEM

                        if PCI

                        config INNER
                        	bool "Inner"
                        	help
                        	  if this were Kconfig it would count.

                        endif # PCI
                        endmenu

                        config OUTER
                        	bool "Outer"
                        """);
        assertThat(kconfig.explain("INNER", "y", Map.of()))
                .contains("drivers/Kconfig:2: depends on HAS_IOMEM (HAS_IOMEM=n)")
                .contains("drivers/Kconfig:4: depends on PCI (PCI=n)");
        assertThat(kconfig.explain("OUTER", "y", Map.of())).isEmpty();
    }

    @Test
    void knowsOptionsNobodyCanAskFor() throws IOException {
        Kconfig kconfig = read("config HIDDEN\n\tbool\n\tdefault y if OTHER\n");
        assertThat(kconfig.explain("HIDDEN", "y", Map.of()))
                .isEqualTo(
                        "\n    drivers/Kconfig:1: it has no prompt,"
                                + " only other options can turn it on");
        assertThat(kconfig.explain("HIDDEN", "n", Map.of())).contains("another option selects it");
        assertThat(kconfig.explain("MISSPELT", "y", Map.of())).contains("no Kconfig file");
    }

    @Test
    void leavesOtherArchitecturesOut() throws IOException {
        FakeKernel.write(tree.resolve("arch/arm/Kconfig"), "config ARM\n\tbool \"x\"\n");
        FakeKernel.write(tree.resolve("arch/x86/Kconfig.cpu"), "config ZEN\n\tbool \"x\"\n");
        Kconfig kconfig = Kconfig.read(tree);
        assertThat(kconfig.explain("ARM", "y", Map.of())).contains("no Kconfig file");
        assertThat(kconfig.explain("ZEN", "y", Map.of())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "A, true",
        "B, false",
        "M, true",
        "!B && A, true",
        "A && B || M, true",
        "B || B && A, false",
        "!(A && M), false",
        "M=m, true",
        "A!=y, false",
        "A=n || B=n, true",
        "NAME=\"x\", true",
        "GCC_VERSION >= 120000, true",
        "'$(cc-option,-fx) && A', true"
    })
    void evaluatesConditions(String condition, boolean holds) throws IOException {
        Kconfig kconfig = read("config X\n\tbool \"x\"\n\tdepends on " + condition + "\n");
        Map<String, String> values = Map.of("A", "y", "M", "m", "NAME", "\"x\"");
        assertThat(kconfig.explain("X", "y", values).isEmpty()).isEqualTo(holds);
    }
}
