// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.Command;
import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a program of the host: its counters are those that a kernel's guest would send. */
class ExecutedLinesTest {
    private static final String FILE = "drivers/one.c";

    @TempDir Path root;

    private ExecutedLines executed;

    @BeforeEach
    void compile() throws IOException {
        FakeKernel.write(
                root.resolve("src").resolve(FILE),
                """
                #include "half.h"
                int main(int count, char **words)
                {
                	int sum = 0;

                	if (count > 1)
                		sum += half(count);
                	if (count > 2)
                		sum += 1;
                	return sum < 0;
                }
                """);
        FakeKernel.write(
                root.resolve("src/drivers/half.h"),
                """
                static inline int half(int of)
                {
                	return of / 2;
                }
                """);
        Path build = Files.createDirectories(root.resolve("build/drivers"));
        run(build, "gcc -O0 --coverage -c -o one.o " + root.resolve("src").resolve(FILE));
        run(build, "gcc --coverage -o one one.o");
        Path notes = Files.createDirectories(root.resolve("image/gcno/drivers"));
        Files.copy(build.resolve("one.gcno"), notes.resolve("one.gcno"));
        KernelImage image = new KernelImage("key", "t", "", root.resolve("image"), "9.8", "");
        assertThat(image.countsExecution()).isTrue();
        executed = new ExecutedLines(image, List.of(FILE, "drivers/half.h", "drivers/two.c"));
    }

    @Test
    void whatAGuestHasNotRunIsNotExecuted() {
        executed.add(guest(""));
        assertThat(executed.at(FILE, 4).orElseThrow().isExecuted()).isTrue();
        assertThat(executed.at(FILE, 6).orElseThrow().branches()).isEqualTo(2);
        assertThat(executed.at(FILE, 6).orElseThrow().taken()).isEqualTo(1);
        assertThat(executed.at(FILE, 6).orElseThrow().function()).isEqualTo("main");
        assertThat(executed.at(FILE, 7).orElseThrow().isExecuted()).isFalse();
        assertThat(executed.at(FILE, 5)).as("an empty line").isEmpty();
        assertThat(executed.at("drivers/half.h", 3).orElseThrow().isExecuted()).isFalse();
        assertThat(executed.covers("drivers/two.c")).isFalse();
    }

    @Test
    void guestsAddUp() {
        executed.add(guest(""));
        executed.add(guest("a"));
        assertThat(executed.at(FILE, 6).orElseThrow().taken()).isEqualTo(2);
        assertThat(executed.at(FILE, 7).orElseThrow().isExecuted()).isTrue();
        assertThat(executed.at(FILE, 8).orElseThrow().taken()).isEqualTo(1);
        assertThat(executed.at(FILE, 9).orElseThrow().isExecuted()).isFalse();
        assertThat(executed.at("drivers/half.h", 3).orElseThrow().isExecuted()).isTrue();
    }

    @Test
    void whatIsNoArchiveIsRefused() throws IOException {
        Path broken = Files.writeString(root.resolve(ExecutedLines.ARCHIVE), "not gzip");
        assertThatThrownBy(() -> executed.add(broken)).isInstanceOf(InfrastructureException.class);
    }

    /** Runs the program, and packs what it has counted like a guest does. */
    private Path guest(String words) {
        Path build = root.resolve("build/drivers");
        run(build, "rm -f one.gcda; ./one " + words);
        run(
                root,
                "rm -f %s; find build -name '*.gcda' | cpio --quiet -o -H newc | gzip >%s"
                        .formatted(ExecutedLines.ARCHIVE, ExecutedLines.ARCHIVE));
        return root.resolve(ExecutedLines.ARCHIVE);
    }

    private static void run(Path in, String line) {
        Command.of("bash", "-ec", line).in(in).check();
    }
}
