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
        assertThat(Machine.named(PROJECT, name).kernelWords()).isNotBlank();
    }

    @Test
    void aMachineThatDoesNotExistIsNamed() {
        assertThatThrownBy(() -> Machine.named(PROJECT, "pdp11"))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("pdp11.cfg");
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
        return ConfigFile.read(Machine.named(PROJECT, name).description(), Map.of())
                .sections()
                .stream()
                .filter(s -> !s.values().getOrDefault("driver", "").contains("iommu"))
                .toList();
    }
}
