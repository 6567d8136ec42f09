// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.kernel.SourceTree;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LabOptionsTest {
    private static final LabOptions ALL =
            new LabOptions(
                    "7.3-debug",
                    Optional.of(new SourceTree(Path.of("/tree"), "abc")),
                    List.of(Path.of("/a b.patch"), Path.of("/c.patch")),
                    List.of(Path.of("/x.config")),
                    Optional.of(Path.of("/report")),
                    "tcg",
                    true,
                    2.5,
                    Optional.of(Path.of("/schedule")),
                    List.of(Path.of("/test.c")),
                    true);

    private static LabOptions readBack(LabOptions options) {
        Map<String, String> parameters = options.toParameters();
        return LabOptions.from(name -> Optional.ofNullable(parameters.get(name)));
    }

    @Test
    void parametersCarryThemWhole() {
        assertThat(readBack(ALL)).isEqualTo(ALL);
        assertThat(readBack(LabOptions.DEFAULT)).isEqualTo(LabOptions.DEFAULT);
    }

    @Test
    void aChangeIsOfOneThingOnly() {
        assertThat(ALL.onKernel("7.3").onKernel(ALL.kernel())).isEqualTo(ALL);
        assertThat(ALL.dumping(false).dumping(true)).isEqualTo(ALL);
        assertThat(ALL.withTests(List.of()).tests()).isEmpty();
        assertThat(ALL.pinnedTo(Optional.empty()).pin()).isEmpty();
        LabOptions others = ALL.madeOf(Optional.empty(), List.of(), List.of());
        assertThat(others.tree()).isEmpty();
        assertThat(others.patches()).isEmpty();
        assertThat(others.madeOf(ALL.tree(), ALL.patches(), ALL.fragments())).isEqualTo(ALL);
    }

    @Test
    void theCommandForOneScenarioNamesAllOfThem() {
        assertThat(ALL.rerun(new ScenarioId("OwnTests", "program", "test,vtd")))
                .contains(
                        "--kernel 7.3-debug",
                        "--tree /tree --commit abc",
                        "--patch '/a b.patch' --patch /c.patch",
                        "--config /x.config",
                        "--accel tcg",
                        "--timeout-scale 2.5",
                        "--test /test.c",
                        "--pin /schedule",
                        "--cold 'OwnTests.program[test,vtd]'");
    }
}
