// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import dmabuflab.kernel.KernelConfig.Option;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelConfigTest {

    @TempDir Path root;

    @Test
    void readsAFragment() throws IOException {
        Path file =
                FakeKernel.write(
                        root.resolve("f.config"),
                        """
                        # Options: CONFIG_TALKED_ABOUT
                        CONFIG_A=y

                        CONFIG_NAME="a b"
                        # CONFIG_OFF is not set
                        """);
        assertThat(KernelConfig.read(file))
                .containsExactly(
                        new Option("A", "y", file, 2),
                        new Option("NAME", "\"a b\"", file, 4),
                        new Option("OFF", "n", file, 5));
    }

    @Test
    void refusesALineItDoesNotKnow() throws IOException {
        Path file = FakeKernel.write(root.resolve("f.config"), "CONFIG_A=y\nCONFIG_B\n");
        assertThatThrownBy(() -> KernelConfig.read(file))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining(file + ":2")
                .hasMessageContaining("'CONFIG_B' is neither an option nor a comment");
    }

    @Test
    void readsAConfig() throws IOException {
        Path file =
                FakeKernel.write(
                        root.resolve(".config"), "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=m\n");
        assertThat(KernelConfig.values(file)).isEqualTo(Map.of("A", "y", "C", "m"));
    }
}
