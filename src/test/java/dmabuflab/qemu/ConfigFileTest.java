// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import dmabuflab.qemu.ConfigFile.Section;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigFileTest {
    @TempDir Path directory;

    @Test
    void readsSectionsAndFillsInVariables() throws IOException {
        Path file =
                Files.writeString(
                        directory.resolve("device.cfg"),
                        "# comment\n[object \"bar\"]\n  size = \"${size}\"\n\n"
                                + "[device]\ndriver = \"ivshmem-plain\"\n");

        assertThat(ConfigFile.read(file, Map.of("size", "4096")).sections())
                .containsExactly(
                        new Section("object", "bar", Map.of("size", "4096")),
                        new Section("device", "", Map.of("driver", "ivshmem-plain")));
    }

    @Test
    void whatIsWrittenReadsTheSame() throws IOException {
        ConfigFile config =
                new ConfigFile(
                        List.of(
                                new Section("object", "bar", Map.of("size", "4096")),
                                new Section("device", "", Map.of("driver", "edu"))));
        Path file = Files.writeString(directory.resolve("device.cfg"), config.toString());

        assertThat(ConfigFile.read(file, Map.of())).isEqualTo(config);
    }

    @Test
    void namesFileAndLineOfWhatItCannotRead() throws IOException {
        Path file =
                Files.writeString(directory.resolve("bad.cfg"), "[device \"x\"]\ndriver = edu\n");

        assertThatThrownBy(() -> ConfigFile.read(file, Map.of()))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("bad.cfg:2")
                .hasMessageContaining("driver = edu");
    }

    @Test
    void missingFileIsAnErrorThatSaysWhereDevicesAre() {
        assertThatThrownBy(() -> ConfigFile.read(directory.resolve("none.cfg"), Map.of()))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("qemu/devices");
    }

    @Test
    void whatDrivesADiskIsNoDeviceModel() throws IOException {
        Path file =
                Files.writeString(
                        directory.resolve("disk.cfg"),
                        "[drive \"disk\"]\ndriver = \"null-co\"\n\n"
                                + "[device]\ndriver = \"virtio-blk-pci\"\n");

        assertThat(ConfigFile.read(file, Map.of()).drivers()).containsExactly("virtio-blk-pci");
    }
}
