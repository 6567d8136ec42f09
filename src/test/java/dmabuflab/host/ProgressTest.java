// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProgressTest {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

    @Test
    void printsALineForEachPhaseAndTheTimeAtTheEnd() {
        try (Progress progress =
                Progress.lines("kernel 7.3", Optional.of(Duration.ofSeconds(380)), out)) {
            progress.phase("unpacking");
            progress.phase("building");
            progress.step(1210, 2900);
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8).lines())
                .extracting(line -> line.replaceFirst("\\d\\.\\ds", "0.0s"))
                .containsExactly(
                        "kernel 7.3: unpacking, 0.0s (last time 6m20s)",
                        "kernel 7.3: building, 0.0s (last time 6m20s)",
                        "kernel 7.3: took 0.0s");
    }

    @Test
    void countsInItsLines() {
        try (Progress progress = Progress.lines("kernel 7.3", Optional.empty(), out)) {
            progress.phase("building");
            progress.step(1210, 2900);
            assertThat(progress.line()).startsWith("kernel 7.3: building, 1210 of 2900, ");
            progress.step(3000, 2900);
            assertThat(progress.line()).startsWith("kernel 7.3: building, 3000 of 3000, ");
            progress.step(41, 100);
            assertThat(progress.line()).startsWith("kernel 7.3: building, 41%, ");
            progress.step(7, 0);
            assertThat(progress.line()).startsWith("kernel 7.3: building, 7, ");
        }
    }

    @Test
    void endsOnce() {
        Progress progress = Progress.lines("x", Optional.empty(), out);
        progress.close();
        progress.close();
        assertThat(bytes.toString(StandardCharsets.UTF_8).lines()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({"840, 0.8s", "42300, 42s", "380000, 6m20s", "3900000, 1h05m"})
    void writesDurationsAsPeopleDo(long millis, String text) {
        assertThat(Progress.text(Duration.ofMillis(millis))).isEqualTo(text);
    }
}
