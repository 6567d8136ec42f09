// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SelftestProgramTest {
    @TempDir Path built;

    @Test
    void programsAreNamedByTheirSuite() throws IOException {
        program("vfio/a_test");
        program("kvm/x86/b_test");
        Files.createDirectories(built.resolve("include"));
        Files.writeString(built.resolve("include/kselftest.h"), "");

        assertThat(SelftestProgram.in(built))
                .containsExactly(
                        new SelftestProgram("kvm", "x86/b_test"),
                        new SelftestProgram("vfio", "a_test"));
        assertThat(new SelftestProgram("kvm", "x86/b_test")).hasToString("kvm/x86/b_test");
    }

    private void program(String name) throws IOException {
        Path file = built.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "");
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }
}
