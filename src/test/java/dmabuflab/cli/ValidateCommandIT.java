// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.host.Cache;
import dmabuflab.host.Command;
import dmabuflab.host.ProjectFiles;
import dmabuflab.kernel.Inspection;
import dmabuflab.kernel.KernelRequest;
import dmabuflab.kernel.Kernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** `lab validate` on series whose fate is known. */
class ValidateCommandIT {
    private static final Path FIXTURES =
            Path.of("src/test/resources/dmabuflab/validate").toAbsolutePath();

    @TempDir Path directory;

    private String said;

    @Test
    void aBugIsBlamedOnItsPatch() throws IOException {
        int status = validate("--series", FIXTURES.resolve("series.mbox").toString(), "Revocation");

        assertThat(status).as(said).isEqualTo(1);
        JsonNode result = result();
        assertThat(result.path("patches")).hasSize(5);
        for (JsonNode patch : result.path("patches")) {
            assertThat(patch.path("build").asText()).isEmpty();
            assertThat(patch.path("boot").asText()).isEmpty();
            assertThat(patch.path("style")).isEmpty();
            assertThat(patch.path("warnings")).isEmpty();
        }
        JsonNode regressed = scenario(result, "Revocation.notifyOfUnrevokeFindsPfn");
        assertThat(regressed.path("judgement").asText()).isEqualTo("regressed");
        assertThat(regressed.path("base")).hasSize(3).allMatch(is("passed"));
        assertThat(regressed.path("head")).hasSize(3).allMatch(is("failed"));
        assertThat(regressed.path("blame").asInt()).isEqualTo(3);
        assertThat(regressed.path("rerun").asText()).contains("0003-").doesNotContain("0004-");
        assertThat(scenario(result, "Revocation.commandMemory").path("judgement").asText())
                .isEqualTo("unchanged");
        assertThat(Files.readString(report().resolve("reply.txt")).lines())
                .contains("4 scenarios regressed.", "  regressed Revocation.deviceReset")
                // What is longer is a command, or a path: they stay whole.
                .allMatch(line -> line.length() <= 72 || line.strip().matches("\\S+|./lab run .*"));
    }

    @Test
    void aPatchThatDoesNotBuildIsNamedAndTheRestIsLookedAt() throws IOException {
        int status =
                validate(
                        "--series",
                        FIXTURES.resolve("does-not-build-in-2").toString(),
                        "PfnQuery.wholeBar",
                        "Revocation.notifyOfUnrevokeFindsPfn");

        assertThat(status).as(said).isEqualTo(1);
        JsonNode patches = result().path("patches");
        assertThat(patches.get(0).path("build").asText()).isEmpty();
        assertThat(patches.get(1).path("build").asText()).contains("error: passing argument 1 of");
        assertThat(patches.get(2).path("build").asText()).isEmpty();
        assertThat(patches.get(2).path("boot").asText()).isEmpty();
        assertThat(said).contains("1 of 3 patches does not build or boot.");
    }

    @Test
    void aPatchThatDoesNotApplyIsShownWithWhatIsThere() throws IOException {
        int status = validate("--series", FIXTURES.resolve("does-not-apply").toString());

        assertThat(status).as(said).isEqualTo(1);
        assertThat(said).contains("The series does not apply.", "2/2", "hunk 1 of 1", "found:");
        assertThat(result().path("patches")).isEmpty();
    }

    @Test
    void whatOnlySparseNoticesIsNew() throws IOException {
        int status = validate("--series", FIXTURES.resolve("sparse.patch").toString());

        assertThat(status).as(said).isEqualTo(0);
        JsonNode patch = result().path("patches").get(0);
        assertThat(patch.path("warnings")).hasSize(1);
        assertThat(patch.path("warnings").get(0).asText())
                .contains("drivers/dma-buf/dma-buf.c: incorrect type in argument 2");
        assertThat(said).contains("1 new warning", "same code as before");
    }

    /** The scenario revokes and gives nothing back, and nobody maps a buffer of udmabuf. */
    @Test
    void itTellsWhatOfEachPatchWasExecuted() throws IOException {
        int status =
                validate(
                        "--series",
                        FIXTURES.resolve("bug-in-3").toString(),
                        "--coverage",
                        "--variants",
                        "normal",
                        "Revocation.commandMemory");

        assertThat(status).as(said).isEqualTo(0);
        JsonNode coverage = result().path("coverage");
        assertThat(coverage.path("scenarios").asInt()).isEqualTo(1);
        JsonNode patches = coverage.path("patches");
        assertThat(patches).hasSize(5);
        assertThat(patches.get(0).path("lines").asInt()).as("of comments").isZero();
        JsonNode revoke = patches.get(2);
        assertThat(revoke.path("executed").asInt())
                .isPositive()
                .isLessThan(revoke.path("lines").asInt());
        assertThat(revoke.path("taken").asInt())
                .isPositive()
                .isLessThan(revoke.path("branches").asInt());
        assertThat(revoke.path("gaps").findValuesAsText("function"))
                .contains("vfio_pci_dma_buf_give_back")
                .doesNotContain("vfio_pci_dma_buf_revoke");
        JsonNode udmabuf = patches.get(4);
        assertThat(udmabuf.path("lines").asInt()).isPositive();
        assertThat(udmabuf.path("executed").asInt()).isZero();
        assertThat(udmabuf.at("/gaps/0/file").asText()).isEqualTo("drivers/dma-buf/udmabuf.c");
        assertThat(udmabuf.at("/gaps/0/function").asText()).isEqualTo("begin_cpu_udmabuf");
        assertThat(said).contains("not run: drivers/dma-buf/udmabuf.c:");

        assertThat(result().at("/variants/0/variant").asText()).isEqualTo("normal");
        assertThat(result().path("scenarios").findValuesAsText("variant"))
                .containsExactly("", "normal");
    }

    @Test
    void commentsChangeNothing() throws IOException {
        int status = validate("--series", FIXTURES.resolve("comments-only").toString());

        assertThat(status).as(said).isEqualTo(0);
        assertThat(said).contains("Nothing changes: base and head execute the same code.");
        assertThat(result().path("sameCode").asBoolean()).isTrue();
        assertThat(result().path("scenarios")).isEmpty();
    }

    /** Changes that were merged, on a base where they have been taken back. */
    @ParameterizedTest
    @CsvSource({
        "01-double-free, ExportLimits.fdLimit",
        "02-clean-up-before-disable, 'IommufdTriggers.accessEnds[vtd,close]'",
        "03-prefault-during-deletion, KvmPrefault.whileASlotIsDeleted",
    })
    void aMergedChangeIsSeenToMend(String change, String scenario) throws IOException {
        Path patch = FIXTURES.resolve("real/" + change + ".patch");
        int status =
                validate(
                        "--patch",
                        takenBack(patch).toString(),
                        "--series",
                        patch.toString(),
                        "--repeats",
                        "1",
                        scenario);

        assertThat(status).as(said).isEqualTo(0);
        assertThat(scenario(result(), scenario).path("judgement").asText()).isEqualTo("fixed");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "                                      | give --series, or --tree with --base",
                "--tree .                              | --tree needs --base",
                "--base HEAD --series pom.xml          | are of --tree",
                "--tree . --base a --head b --series . | both say where the series ends",
                "--series pom.xml --repeats 0          | --repeats is 1 or more",
                "--series pom.xml --variants debug,odd | this kernel has no [odd]",
                "--series nowhere.mbox                 | there is no nowhere.mbox",
            })
    void wrongUsageIsExplained(String words, String why) {
        assertThat(validate(words == null ? new String[0] : words.split(" "))).isEqualTo(2);
        assertThat(said).contains(why);
    }

    /** A patch that takes a change of the lab's kernel back. */
    private Path takenBack(Path change) throws IOException {
        Kernels kernels = Kernels.of(ProjectFiles.locate(), Cache.locate());
        String commit = Inspection.with(kernels).apply(KernelRequest.of("7.3", ""));
        Path tree = directory.resolve("tree");
        Path source = Cache.locate().root().resolve("src/7.3");
        Command.of("git", "clone", "--quiet", "--shared", "--bare", "" + source, "" + tree).check();
        git(tree, "read-tree", commit);
        git(tree, "apply", "--cached", "-R", change.toString());
        String without = git(tree, "write-tree");
        return Files.writeString(
                directory.resolve("taken-back.patch"),
                git(tree, "diff", "--full-index", commit, without) + "\n");
    }

    private static String git(Path repository, String... words) {
        List<String> all = new ArrayList<>(List.of("git", "-C", repository.toString()));
        all.addAll(List.of(words));
        return Command.of(all).output();
    }

    private int validate(String... words) {
        List<String> all = new ArrayList<>(List.of("validate"));
        all.addAll(List.of(words));
        if (!all.contains("--repeats")) {
            all.addAll(List.of("--repeats", "2"));
        }
        all.addAll(List.of("--report", report().toString()));
        LabRun run = LabRun.of(all);
        said = run.said();
        return run.status();
    }

    private Path report() {
        return directory.resolve("report");
    }

    private JsonNode result() throws IOException {
        return new ObjectMapper().readTree(report().resolve("validation.json").toFile());
    }

    private static JsonNode scenario(JsonNode result, String id) {
        for (JsonNode each : result.path("scenarios")) {
            if (each.path("id").asText().equals(id)) {
                return each;
            }
        }
        throw new AssertionError(
                "no " + id + " among " + result.path("scenarios").findValues("id"));
    }

    private static Predicate<JsonNode> is(String word) {
        return node -> node.asText().equals(word);
    }
}
