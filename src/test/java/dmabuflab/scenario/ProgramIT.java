// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.guest.AgentRefusal;
import dmabuflab.guest.GuestProcess;
import dmabuflab.guest.Job;
import dmabuflab.guest.Program;
import dmabuflab.guest.Program.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How programs are sent into a guest, run there and listened to. */
@Catalogue
@KernelsWordOnly("tests the agent, makes no claim about memory")
class ProgramIT {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** A script that runs its arguments, too long for one piece. */
    private static Program shell(Testbed bed, Path directory) throws IOException {
        String text = "#!/bin/sh\nexec /bin/sh -c \"$1\"\n" + "# padding\n".repeat(100_000);
        return Program.send(bed.agent(), Files.writeString(directory.resolve("shell"), text));
    }

    private static Ended run(Testbed bed, Path directory, String script) throws IOException {
        return shell(bed, directory).run(List.of(script), LIMIT);
    }

    @Test
    void bothOutputsAndTheStatus(Testbed bed, @TempDir Path directory) throws IOException {
        Ended ended = run(bed, directory, "echo out; echo err >&2; cat; exit 3");

        assertThat(ended.status()).hasValue(3);
        assertThat(ended.signal()).isEmpty();
        assertThat(ended.output()).isEqualTo("out\nerr\n");
    }

    @Test
    void aSignalIsNoStatus(Testbed bed, @TempDir Path directory) throws IOException {
        Ended ended = run(bed, directory, "echo before; kill -SEGV $$");

        assertThat(ended.status()).isEmpty();
        assertThat(ended.signal()).isEqualTo("SEGV");
        assertThat(ended.timedOut()).isFalse();
        assertThat(ended.output()).isEqualTo("before\n");
    }

    @Test
    void whoDoesNotEndIsKilled(Testbed bed, @TempDir Path directory) throws IOException {
        Ended ended =
                shell(bed, directory)
                        .run(List.of("echo begun; while :; do :; done"), Duration.ofMillis(1500));

        assertThat(ended.timedOut()).isTrue();
        assertThat(ended.signal()).isEqualTo("KILL");
        assertThat(ended.output()).isEqualTo("begun\n");
        assertThat(ended.elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(1500));
    }

    @Test
    void outputInSeveralPieces(Testbed bed, @TempDir Path directory) throws IOException {
        Ended ended = run(bed, directory, "/bin/busybox seq 1 100000");

        assertThat(ended.output()).hasLineCount(100_000).endsWith("\n100000\n");
    }

    @Test
    void aDynamicallyLinkedOneComesWithItsLibraries(Testbed bed) {
        GuestProcess process = GuestProcess.start(bed.agent(), "process");
        Program echo =
                Program.sendWithLibraries(
                        bed.agent(),
                        Path.of("/bin/echo"),
                        Path.of("/usr/lib/x86_64-linux-gnu/libjansson.so.4"));

        Job job = echo.start(List.of("one"), LIMIT);
        Ended other = echo.in(process).run(List.of("two"), LIMIT);

        assertThat(echo.ended(bed.complete(job)).output()).isEqualTo("one\n");
        assertThat(other.output()).isEqualTo("two\n");
        assertThat(other.status()).hasValue(0);
    }

    @Test
    void whatIsNoProgramIsRefused(Testbed bed, @TempDir Path directory) throws IOException {
        Program data = Program.send(bed.agent(), Files.writeString(directory.resolve("x"), "data"));

        assertThatThrownBy(() -> data.run(List.of(), LIMIT))
                .isInstanceOf(AgentRefusal.class)
                .hasMessageContaining("ENOEXEC");
        assertThat(bed.agent().attempt("program.run", Map.of("path", "/nowhere")).errno())
                .isEqualTo("ENOENT");
        assertThat(bed.agent().attempt("program.output", Map.of("path", "/nowhere")).errno())
                .isEqualTo("ENOENT");
    }
}
