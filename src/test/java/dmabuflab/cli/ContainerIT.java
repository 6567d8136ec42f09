// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.dockerjava.api.model.Container;
import dmabuflab.container.Engine;
import dmabuflab.host.Command;
import dmabuflab.host.ProjectFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.testcontainers.DockerClientFactory;

/** {@code --in container}, with whatever engine is there. */
@EnabledIf(
        value = "anEngineAnswers",
        disabledReason =
                "no container engine answers: start one, or name its socket in DOCKER_HOST")
class ContainerIT {
    private static final Path MUTANTS = ProjectFiles.locate().kernelConfig().resolve("mutants");

    /** Scenarios that take minutes. */
    private static final String LONG = "Kvm*";

    @TempDir Path scratch;

    static boolean anEngineAnswers() {
        return Engine.obstacle().isEmpty();
    }

    /** Where it was never made it takes longer than tests wait for what they see. */
    @BeforeAll
    static void image(@TempDir Path scratch) throws Exception {
        Path out = scratch.resolve("image.out");
        Process doctor =
                Screen.builder("sh", "-c", Screen.lab("doctor", "--in", "container"))
                        .redirectErrorStream(true)
                        .redirectOutput(out.toFile())
                        .start();
        assertThat(doctor.waitFor(15, TimeUnit.MINUTES)).isTrue();
        assertThat(doctor.exitValue()).as(Files.readString(out)).isZero();
        assertThat(out).content().contains("kernels are built without network and homes");
    }

    @AfterEach
    void nothingIsLeft() {
        assertThat(containers()).isEmpty();
    }

    @Test
    void verdictsAreThoseOfTheHost() throws Exception {
        Path mutant = MUTANTS.resolve("rdma-memcpy-on-mmio.patch");
        List<String> red = List.of("--mutant", mutant.toString(), "RdmaTransfers", "PQ5");

        JsonNode host = run("host", "host", red);
        JsonNode container = run("container", "container", red);

        assertThat(outcomes(container)).isEqualTo(outcomes(host)).hasSizeGreaterThan(5);
        assertThat(container.path("exitStatus").asInt()).isEqualTo(1);
        assertThat(container.path("environment").path("kernel").asText()).startsWith("7.3");
        assertThat(container.at("/scenarios/0/rerun").asText()).contains(" --in container ");
        assertThat(container.path("environment").path("kernel"))
                .isEqualTo(host.path("environment").path("kernel"));
    }

    private JsonNode run(String place, String report, List<String> what) throws Exception {
        Path directory = scratch.resolve(report);
        List<String> words =
                new ArrayList<>(List.of("--in", place, "--report", directory.toString()));
        words.addAll(what);
        Path out = scratch.resolve(report + ".out");
        Process lab =
                Screen.builder("sh", "-c", Screen.lab("run", words.toArray(String[]::new)))
                        .redirectErrorStream(true)
                        .redirectOutput(out.toFile())
                        .start();
        boolean inside = false;
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(10);
        while (!lab.waitFor(100, TimeUnit.MILLISECONDS)) {
            inside |= containers().containsValue("running");
            assertThat(System.nanoTime()).isLessThan(end);
        }
        assertThat(inside).isEqualTo(place.equals("container"));
        assertThat(directory.resolve("results.json")).as(Files.readString(out)).exists();
        JsonNode results = new ObjectMapper().readTree(directory.resolve("results.json").toFile());
        assertThat(lab.exitValue()).isEqualTo(results.path("exitStatus").asInt());
        return results;
    }

    @Test
    void aWorktreeIsSeenWithItsRepository() throws Exception {
        Path repository = scratch.resolve("repository");
        Path tree = scratch.resolve("tree");
        git(scratch, "init", "-q", repository.toString());
        Files.writeString(repository.resolve("Kbuild"), "obj-y :=\n");
        git(repository, "add", "Kbuild");
        git(repository, "-c", "user.name=a", "-c", "user.email=b", "commit", "-qm", "c");
        git(repository, "worktree", "add", "-q", tree.toString());
        String lab = Screen.lab("build", "--in", "container", "--tree", tree.toString());
        try (Screen screen = new Screen(lab + "; echo status=$?")) {
            // It is no kernel, which shows that its commit was found.
            assertThat(screen.until("status=3"))
                    .contains("it has no Kbuild")
                    .doesNotContain("no such commit");
        }
    }

    /** Ids and states of those in which the lab is or was. */
    private static Map<String, String> containers() {
        return DockerClientFactory.instance()
                .client()
                .listContainersCmd()
                .withShowAll(true)
                .withLabelFilter(List.of("dmabuf-lab.owner"))
                .exec()
                .stream()
                .collect(Collectors.toMap(Container::getId, Container::getState));
    }

    private static void git(Path directory, String... words) {
        List<String> all = new ArrayList<>(List.of("git", "-C", directory.toString()));
        all.addAll(List.of(words));
        Command.of(all).check();
    }

    private static Set<String> outcomes(JsonNode results) {
        Set<String> outcomes = new TreeSet<>();
        results.path("scenarios")
                .forEach(
                        each ->
                                outcomes.add(
                                        each.path("id").asText()
                                                + " "
                                                + each.path("outcome").asText()));
        return outcomes;
    }

    @Test
    void interruptedItEndsAsWithout() throws Exception {
        String lab = Screen.lab("run", "--in", "container", "--report", scratch + "/cut", LONG);
        try (Screen screen = new Screen(lab + "; echo status=$?")) {
            screen.until("passed");
            screen.type("\003");
            screen.until("status=130");
            assertThat(screen.status()).isZero();
        }
    }

    @Test
    void killedItEndsWithWhoeverStartedIt() throws Exception {
        String lab = Screen.lab("run", "--in", "container", "--report", scratch + "/cut", LONG);
        Path out = scratch.resolve("killed.out");
        Process process =
                Screen.builder("sh", "-c", "exec " + lab).redirectOutput(out.toFile()).start();
        while (!Files.readString(out).contains("passed")) {
            assertThat(process.isAlive()).as(Files.readString(out)).isTrue();
            Thread.onSpinWait();
        }
        assertThat(containers()).hasSize(1);

        process.destroyForcibly().waitFor();

        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (containers().containsValue("running")) {
            assertThat(System.nanoTime()).isLessThan(end);
        }
        // The next one takes away what the engine kept.
        JsonNode next = run("container", "next", List.of("PfnQuery.pastTheEnd"));
        assertThat(next.path("exitStatus").asInt()).isZero();
    }

    @Test
    void aReleaseThatIsNoneIsNamed() throws Exception {
        String lab = Screen.lab("doctor", "--in", "container:nosuchrelease");
        try (Screen screen = new Screen(lab + "; echo status=$?")) {
            assertThat(screen.until("status=3"))
                    .contains("there is no image of Debian nosuchrelease")
                    .contains("debian:nosuchrelease");
        }
    }
}
