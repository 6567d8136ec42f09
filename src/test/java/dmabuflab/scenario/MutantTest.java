// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MutantTest {
    @TempDir Path directory;

    @Test
    void readsTheRulesThatAPatchBreaks() throws IOException {
        Files.writeString(directory.resolve("b.patch"), "Subject: x\n\nBreaks: PQ2, RV4\n\n---\n");
        Files.writeString(directory.resolve("a.patch"), "no header\n");
        Files.writeString(directory.resolve("README"), "Breaks: UR1\n");

        List<Mutant> mutants = Mutant.read(List.of(directory));

        assertThat(mutants).extracting(Mutant::name).containsExactly("a", "b");
        assertThat(mutants.get(0).breaks()).isEmpty();
        assertThat(mutants.get(1).breaks()).containsExactly("PQ2", "RV4");
    }
}
