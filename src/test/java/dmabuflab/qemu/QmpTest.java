// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QmpTest {
    private static final Duration SOON = Duration.ofMillis(50);

    @TempDir Path directory;
    private Peer qemu;
    private Qmp qmp;

    @BeforeEach
    void connect() throws IOException {
        qemu = new Peer(directory);
        qemu.says("{\"QMP\":{}}\n{\"return\":{}}\n");
        qmp = new Qmp(new JsonLines("test", qemu.socket(), line -> {}), Duration.ofSeconds(5));
        assertThat(qemu.hears()).isEqualTo("{\"execute\":\"qmp_capabilities\"}");
    }

    @AfterEach
    void disconnect() throws IOException {
        qemu.close();
    }

    @Test
    void keepsEventsThatComeBeforeAnAnswer() throws IOException {
        qemu.says("{\"event\":\"MIGRATION\",\"data\":{\"status\":\"setup\"}}\n{\"return\":7}\n");

        assertThat(qmp.execute("stop", Map.of("a", 1)).asInt()).isEqualTo(7);
        assertThat(qemu.hears()).isEqualTo("{\"execute\":\"stop\",\"arguments\":{\"a\":1}}");
        assertThat(qmp.await("MIGRATION", data -> true, SOON).path("status").asText())
                .isEqualTo("setup");
    }

    @Test
    void tellsQemusOwnWordsWhenItRefuses() throws IOException {
        qemu.says("{\"error\":{\"class\":\"GenericError\",\"desc\":\"Bus 'x' not found\"}}\n");

        assertThatThrownBy(() -> qmp.execute("device_add"))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("Bus 'x' not found");
    }

    @Test
    void answersSplitOverPacketsArePutTogether() throws IOException {
        qemu.says("{\"ret");
        qemu.says("urn\":\"ok\"}\n");

        assertThat(qmp.execute("x").asText()).isEqualTo("ok");
    }

    @Test
    void aVanishedQemuIsAnErrorForEveryLaterCall() throws IOException {
        qemu.close();

        for (int call = 0; call < 2; call++) {
            assertThatThrownBy(() -> qmp.await("STOP", data -> true, SOON))
                    .isInstanceOf(InfrastructureException.class)
                    .hasMessageContaining("QEMU has gone");
        }
    }

    @Test
    void silenceEndsWithAHintAtTheLimit() {
        assertThatThrownBy(() -> qmp.await("STOP", data -> true, SOON))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("--timeout-scale");
    }

    @Test
    void whatIsNotJsonIsAnError() throws IOException {
        qemu.says("qemu: fatal\n");

        assertThatThrownBy(() -> qmp.execute("x")).hasMessageContaining("not JSON: qemu: fatal");
    }
}
