// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KnownFailuresTest {
    @TempDir Path directory;

    private KnownFailures list(String release, String text) throws IOException {
        Path file = Files.writeString(directory.resolve("list"), text);
        return KnownFailures.of(file, release);
    }

    @Test
    void holdsForOneReleaseAndProgramOnly() throws IOException {
        String text = "# why\n\n7.3.4 iommufd ioas.*.simple returns 0 instead of a descriptor\n";

        assertThat(list("7.3.4", text).reason("iommufd", "ioas.two.simple"))
                .hasValue("returns 0 instead of a descriptor");
        assertThat(list("7.3.4", text).reason("iommufd", "ioas.two.revoke")).isEmpty();
        assertThat(list("7.3.4", text).reason("vfio", "ioas.two.simple")).isEmpty();
        assertThat(list("7.3.5", text).reason("iommufd", "ioas.two.simple")).isEmpty();
    }

    @Test
    void anEntryWithoutAReasonIsNone() {
        assertThatThrownBy(() -> list("7.3.4", "7.3.4 iommufd ioas.*\n"))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("RELEASE PROGRAM CASE REASON");
    }

    @Test
    void noListIsAnEmptyOne() {
        assertThat(KnownFailures.of(directory.resolve("none"), "7.3.4").reason("a", "b")).isEmpty();
    }

    @Test
    void theProjectsOwnCanBeRead() {
        Path own = ProjectFiles.locate().kernelConfig().resolve("known-failures.txt");
        assertThat(own).exists();
        assertThat(KnownFailures.of(own, "7.3.4").reason("nothing", "at.all")).isEmpty();
    }
}
