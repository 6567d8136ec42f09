// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.qemu.ConfigFile;
import dmabuflab.qemu.ConfigFile.Section;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MachineTest {
    private static final ProjectFiles PROJECT = ProjectFiles.locate();

    /** Machines can be used by hand, so each is complete; they must not drift apart. */
    @ParameterizedTest
    @MethodSource("names")
    void machinesDifferInTheirIommuOnly(String name) {
        assertThat(withoutIommu(name)).isEqualTo(withoutIommu("q35-vtd"));
        assertThat(Machine.named(PROJECT, name, List.of()).kernelWords()).isNotBlank();
    }

    @Test
    void aMachineThatDoesNotExistIsNamed() {
        assertThatThrownBy(() -> Machine.named(PROJECT, "pdp11", List.of()))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("pdp11.cfg");
        assertThatThrownBy(() -> Machine.named(PROJECT, "q35-vtd", List.of("turntable")))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("builtin/turntable.cfg");
    }

    @Test
    void whatIsBuiltInComesOnTopOfTheMachine() {
        Machine machine = Machine.named(PROJECT, "q35-vtd", List.of("switch"));
        assertThat(machine.descriptions())
                .extracting(file -> file.getFileName().toString())
                .containsExactly("q35-vtd.cfg", "switch.cfg");
        assertThat(machine.drivers()).contains("intel-iommu", "x3130-upstream");
    }

    static List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(PROJECT.qemu().resolve("machines"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(file -> file.endsWith(".cfg"))
                    .map(file -> file.replaceFirst("\\.cfg$", ""))
                    .toList();
        }
    }

    private static List<Section> withoutIommu(String name) {
        Path machine = Machine.named(PROJECT, name, List.of()).descriptions().get(0);
        return ConfigFile.read(machine, Map.of()).sections().stream()
                .filter(s -> !s.values().getOrDefault("driver", "").contains("iommu"))
                .toList();
    }
}
