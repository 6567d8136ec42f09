// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import dmabuflab.qemu.JsonLines;
import dmabuflab.qemu.Peer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AgentTest {
    @TempDir Path directory;
    private Peer guest;
    private Agent agent;

    @BeforeEach
    void connect() throws IOException {
        guest = new Peer(directory);
        agent = agent(Duration.ofSeconds(5));
    }

    @AfterEach
    void disconnect() throws IOException {
        guest.close();
    }

    private Agent agent(Duration silence) {
        return new Agent(new JsonLines("test", guest.socket(), line -> {}), silence);
    }

    @Test
    void skipsEventsWhoeverTheyAreOf() throws IOException {
        guest.says("{\"event\":\"progress\",\"id\":1}\n{\"id\":1,\"ok\":true,\"pfn\":42}\n");

        assertThat(agent.call("importer.query", Map.of("pgoff", 3)).number("pfn")).isEqualTo(42);
        assertThat(guest.hears()).isEqualTo("{\"id\":1,\"op\":\"importer.query\",\"pgoff\":3}");
    }

    @Test
    void aRefusalIsAFailedAssertionOrAnAnswerAsTheScenarioWants() throws IOException {
        String refusal =
                "\"ok\":false,\"errno\":\"ENODEV\",\"call\":\"ioctl(X)\",\"error\":\"no\"}\n";
        guest.says("{\"id\":1," + refusal + "{\"id\":2," + refusal);

        assertThat(agent.attempt("a", Map.of()).errno()).isEqualTo("ENODEV");
        assertThatThrownBy(() -> agent.call("a", Map.of("b", 1)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("a b=1 failed with ENODEV from ioctl(X): no");
    }

    @Test
    void aRequestTheAgentDoesNotKnowIsTheLabsFault() throws IOException {
        guest.says("{\"id\":1,\"ok\":false,\"errno\":\"EINVAL\",\"usage\":true,\"error\":\"?\"}\n");

        assertThatThrownBy(() -> agent.attempt("typo", Map.of()))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("typo");
    }

    @Test
    void silenceIsNoHangWhileThereAreOtherSignsOfLife() throws IOException {
        Iterator<Boolean> signs = List.of(true, true, false).iterator();
        agent.allowSilence(Duration.ofMillis(20), signs::next);

        assertThatThrownBy(() -> agent.call("a", Map.of())).isInstanceOf(GuestHung.class);
        assertThat(signs).isExhausted();
    }

    @Test
    void silenceIsAHang() {
        assertThatThrownBy(() -> agent(Duration.ofMillis(20)).call("a", Map.of()))
                .isInstanceOf(GuestHung.class);
    }

    @Test
    void aVanishedGuestIsNotAHang() throws IOException {
        guest.close();

        assertThatThrownBy(() -> agent.call("a", Map.of()))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("lost the guest");
    }

    @Test
    void goodbyeWithoutTheLastWordIsAnError() throws IOException {
        guest.says("{\"id\":1,\"ok\":true}\n");
        guest.close();

        assertThatThrownBy(() -> agent.bye()).isInstanceOf(InfrastructureException.class);
    }

    @Test
    void theObserverHearsWhatTheKernelSaidButNoBookkeeping() throws IOException {
        List<String> heard = new ArrayList<>();
        agent.observe(heard::add);
        guest.says("{\"id\":1,\"ok\":true}\n{\"id\":2,\"ok\":true}\n");

        agent.call("trace.mark", Map.of());
        agent.call("vfio.reset", Map.of("dev", "iv"));

        assertThat(heard).singleElement().asString().startsWith("vfio.reset dev=iv -> ");
    }

    @Test
    void aProcessIsSpokenToThroughTheAgentThatStartedIt() throws IOException {
        guest.says(
                "{\"id\":1,\"ok\":true,\"pid\":80}\n"
                        + "{\"id\":2,\"ok\":true,\"kernel\":\"7\"}\n");

        Agent inside = GuestProcess.start(agent, "p").agent();

        assertThat(inside.call("agent.hello", Map.of()).text("kernel")).isEqualTo("7");
        guest.hears();
        assertThat(guest.hears()).contains("\"op\":\"process.call\"", "\"run\":\"agent.hello\"");
    }
}
