// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Sandbox;
import dmabuflab.host.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Which lines of some files were executed, by what guests have counted. The compiler's gcov reads
 * the counters; this adds up what it says of several guests and objects. For one thread.
 */
public final class ExecutedLines {
    /** The name of the file a guest's counters are kept in. */
    public static final String ARCHIVE = "gcda.cpio.gz";

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final KernelImage image;
    private final List<String> files;
    private final Map<String, Map<Integer, Line>> lines = new HashMap<>();

    /** A line that the compiler has made code of. */
    public static final class Line {
        private String function = "";
        private boolean executed;
        private final Map<String, Boolean> branches = new HashMap<>();

        /** A line that is known from elsewhere than gcov. */
        public static Line of(String function, boolean executed, boolean... branches) {
            Line line = new Line();
            line.function = function;
            line.executed = executed;
            for (int i = 0; i < branches.length; i++) {
                line.branches.put("" + i, branches[i]);
            }
            return line;
        }

        private Line() {}

        public boolean isExecuted() {
            return executed;
        }

        /** The function it is in. */
        public String function() {
            return function;
        }

        /** How many ways lead on from it; 0 if there is just one. */
        public int branches() {
            return branches.size();
        }

        /** How many of them were taken. */
        public int taken() {
            return (int) branches.values().stream().filter(each -> each).count();
        }
    }

    /**
     * @param image the kernel that the guests ran
     * @param files names in its source
     */
    public ExecutedLines(KernelImage image, Collection<String> files) {
        this.image = image;
        this.files = List.copyOf(files);
    }

    /** A line of a file, empty if no object that counts has code of it. */
    public Optional<Line> at(String file, int number) {
        return Optional.ofNullable(lines.getOrDefault(file, Map.of()).get(number));
    }

    /** Whether any object that counts has code of this file. */
    public boolean covers(String file) {
        return lines.containsKey(file);
    }

    /**
     * Adds what a guest has counted.
     *
     * @param archive as the guest has sent it
     * @throws InfrastructureException when it is not what gcov can read
     */
    public void add(Path archive) {
        try (Scratch scratch = Scratch.create("gcov")) {
            read(archive, scratch.path());
        } catch (IOException e) {
            throw Disk.failure("cannot unpack " + archive, archive, e);
        }
    }

    private void read(Path archive, Path scratch) throws IOException {
        // Of a kernel that nobody trusts.
        Command.of(
                        "bash",
                        "-o",
                        "pipefail",
                        "-c",
                        "gzip -dc \"$0\" | cpio --quiet -id --no-absolute-filenames",
                        archive.toAbsolutePath().toString())
                .in(scratch)
                .in(new Sandbox(List.of(archive), List.of(scratch)))
                .check();
        List<String> words = new ArrayList<>();
        words.addAll(List.of("gcov", "--json-format", "--stdout", "--branch-probabilities"));
        int options = words.size();
        Map<String, Path> notes = notes();
        try (Stream<Path> walk = Files.walk(scratch)) {
            for (Path counters : walk.filter(each -> each.toString().endsWith(".gcda")).toList()) {
                Optional<Path> note = note(notes, scratch.relativize(counters).toString());
                if (note.isPresent()) {
                    String name = counters.getFileName().toString().replace(".gcda", ".gcno");
                    Files.copy(note.get(), counters.resolveSibling(name));
                    words.add(counters.toString());
                }
            }
        }
        if (words.size() > options) {
            Command.of(words)
                    .in(scratch)
                    .in(new Sandbox(List.of(), List.of(scratch)))
                    .eachLine(this::document)
                    .check();
        }
    }

    /** By the names of the objects in the build directory. */
    private Map<String, Path> notes() throws IOException {
        Map<String, Path> notes = new HashMap<>();
        try (Stream<Path> walk = Files.walk(image.counterNotes())) {
            walk.filter(Files::isRegularFile)
                    .forEach(
                            each -> {
                                String name = image.counterNotes().relativize(each).toString();
                                notes.put(name.replaceFirst("\\.gcno$", ".gcda"), each);
                            });
        }
        return notes;
    }

    /** The build directory is whatever is before an object's name. */
    private static Optional<Path> note(Map<String, Path> notes, String counters) {
        int slash = -1;
        do {
            Path note = notes.get(counters.substring(slash + 1));
            if (note != null) {
                return Optional.of(note);
            }
            slash = counters.indexOf('/', slash + 1);
        } while (slash >= 0);
        return Optional.empty();
    }

    /** One line of gcov's output is one JSON document, about one object. */
    private void document(String json) {
        if (!json.startsWith("{")) {
            return; // it also warns, and its exit status tells if it could not do its work
        }
        try {
            for (JsonNode file : MAPPER.readTree(json).required("files")) {
                String path = "/" + Path.of(file.required("file").asText()).normalize();
                files.stream()
                        .filter(each -> path.endsWith("/" + each))
                        .forEach(each -> add(each, file.required("lines")));
            }
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot read what gcov says", e.getMessage(), "is it that of gcc?", e);
        }
    }

    private void add(String file, JsonNode all) {
        Map<Integer, Line> known = lines.computeIfAbsent(file, key -> new HashMap<>());
        for (JsonNode each : all) {
            Line line =
                    known.computeIfAbsent(
                            each.required("line_number").asInt(), number -> new Line());
            line.function = each.path("function_name").asText(line.function);
            line.executed |= each.required("count").asLong() > 0;
            int number = 0;
            for (JsonNode branch : each.path("branches")) {
                boolean taken = branch.required("count").asLong() > 0;
                line.branches.merge(line.function + " " + number++, taken, Boolean::logicalOr);
            }
        }
    }
}
