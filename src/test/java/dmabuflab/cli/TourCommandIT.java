// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dmabuflab.host.Cache;
import dmabuflab.host.ProjectFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** `lab tour` to its end, left on the way, and on kernels on which it is not as it explains. */
class TourCommandIT {
    private static final String PROMPT = "q: leave. ";
    private static final int CHAPTERS = 8;

    private static final Path TRANSCRIPT =
            Path.of("src/test/resources/dmabuflab/tour/transcript.txt");

    /** What is not the same in each guest, or in each QEMU: where a BAR is, and RDMA's keys. */
    private static final Pattern VARIES =
            Pattern.compile(
                    "(?<=PFN 0x)[0-9a-f]+"
                            + "|(?<=\"(pfn|requery_pfn|lkey|rkey|addr|qpn|psn)\":)[1-9][0-9]*"
                            + "|(?<=(rkey|remote_qpn|psn)=)[0-9]+");

    private final StringWriter text = new StringWriter();

    private int tour(String... words) {
        CommandLine lab = Main.commandLine();
        lab.setOut(new PrintWriter(text, true)).setErr(new PrintWriter(text, true));
        return lab.execute(
                Stream.concat(Stream.of("tour", "--no-pause"), Stream.of(words))
                        .toArray(String[]::new));
    }

    private static Path mutant(String name) {
        return ProjectFiles.locate().kernelConfig().resolve("mutants/" + name + ".patch");
    }

    @Test
    void whatIsExplainedIsSeen() throws IOException {
        assertThat(tour()).as(text.toString()).isZero();

        String transcript = VARIES.matcher(text.toString()).replaceAll("...");
        Files.writeString(Path.of("target/tour.txt"), transcript); // to take its place
        assertThat(transcript).isEqualTo(Files.readString(TRANSCRIPT));
        assertThat(transcript.lines()).allMatch(line -> line.length() <= 80);
    }

    /** As a person goes through it, in a terminal. */
    @Test
    void stepByStep() throws Exception {
        StringBuilder shown = new StringBuilder();
        try (Screen screen = new Screen(Screen.lab("tour") + "; echo status=$?")) {
            for (int chapter = 1; chapter <= CHAPTERS; chapter++) {
                String part = screen.until(PROMPT);
                assertThat(part).doesNotContain(chapter + " of " + CHAPTERS);
                shown.append(part);
                screen.type("\n");
            }
            shown.append(screen.until("status=0"));
            assertThat(screen.status()).isZero();
        }
        String transcript = VARIES.matcher(shown).replaceAll("...");
        assertThat(transcript.lines().map(String::strip).filter(line -> !line.isEmpty()))
                .filteredOn(line -> !line.matches("pid=.*|status=0|Enter: .*"))
                .containsExactlyElementsOf(
                        Files.readString(TRANSCRIPT)
                                .lines()
                                .map(String::strip)
                                .filter(line -> !line.isEmpty())
                                .toList());
    }

    @ParameterizedTest
    @CsvSource({
        "pfn-off-by-one, '2 of 8  Query', 'by the kernel''s answer, but 0x'",
        "notify-skipped-on-revoke, '5 of 8  Revoke', 'a query from inside got: [ENODEV]'"
    })
    void onAKernelWithADefectItStops(String name, String chapter, String why) throws IOException {
        assertThat(tour("--mutant", mutant(name).toString())).as(text.toString()).isEqualTo(1);

        String end = text.toString().replaceFirst("(?s).*\n\n", "");
        assertThat(end).startsWith("The tour stops in chapter " + chapter).contains(why);
        Path logs = Path.of(end.strip().replaceFirst("(?s).*Its logs are in ", ""));
        assertThat(logs.resolve("console.log")).exists();
        assertThat(logs.resolve("agent.log")).exists();
        Cache.delete(logs.getParent().getParent());
    }

    /** All up to RDMA, whose keys are others each time. */
    @Test
    void whatIsShownCanBeTyped(@TempDir Path directory) throws Exception {
        String shown = Files.readString(TRANSCRIPT).replaceFirst("(?s)\n7 of 8 .*", "");
        String script =
                shown.replace("\\\n", "")
                        .lines()
                        .filter(line -> line.startsWith("  guest:/# "))
                        .map(line -> line.substring("  guest:/# ".length()))
                        .collect(Collectors.joining("\n"));
        Path in = Files.writeString(directory.resolve("script"), script);
        Path out = directory.resolve("out");

        Process shell =
                Screen.builder("sh", "-c", Screen.lab("shell"))
                        .redirectInput(in.toFile())
                        .redirectOutput(out.toFile())
                        .start();

        assertThat(shell.waitFor(Screen.LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
        List<String> typed = Files.readAllLines(out).stream().map(TourCommandIT::essence).toList();
        assertThat(typed).hasSameSizeAs(script.lines().toList());
        assertThat(String.join("", typed))
                .as("what labctl answered")
                .contains(essence("{'ok':false,'errno':'EINVAL'}".replace('\'', '"')));
        assertThat(typed).containsSubsequence(told(shown));
    }

    /** The answers of a transcript, in their order. */
    private static List<String> told(String transcript) {
        return Pattern.compile("(?m)^  (\\{.*(\n      .*)*)$")
                .matcher(transcript)
                .results()
                .map(match -> essence(match.group(1).replaceAll("\n *", "").replace("...", "0")))
                .toList();
    }

    /** An answer without what a tour leaves out, or does not have twice. */
    private static String essence(String answer) {
        try {
            JsonNode json = new ObjectMapper().readTree(answer);
            strip((ObjectNode) json);
            json.path("events").forEach(event -> strip((ObjectNode) event));
            return json.toString();
        } catch (IOException e) {
            throw new AssertionError(answer, e);
        }
    }

    private static void strip(ObjectNode json) {
        json.remove(List.of("id", "ns", "time_ns", "reason", "call", "error", "lost"));
        json.remove(List.of("pfn", "requery_pfn", "devid", "ioas_id"));
    }

    @ParameterizedTest
    @CsvSource({"'q\n', 0", "'\004', 0", "'\003', 130"})
    void itCanBeLeft(String keys, int status, @TempDir Path scratch) throws Exception {
        String java = "JAVA_TOOL_OPTIONS=-Djava.io.tmpdir=" + scratch + " ";
        try (Screen screen = new Screen(java + Screen.lab("tour") + "; echo status=$?")) {
            assertThat(screen.until(PROMPT)).contains("Sharing memory").doesNotContain("1 of 8");
            screen.type("\n");
            assertThat(screen.until(PROMPT)).contains("1 of 8").doesNotContain("2 of 8");
            screen.type(keys);
            assertThat(screen.until("status=" + status)).doesNotContain("2 of 8", "lab:");
            assertThat(screen.status()).isZero();
        }
        assertThat(scratch).isEmptyDirectory();
        assertThat(
                        ProcessHandle.allProcesses()
                                .map(process -> process.info().commandLine().orElse(""))
                                .filter(line -> line.contains(scratch.toString())))
                .isEmpty();
    }
}
