// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.host.ProjectFiles;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.KernelsWordOnly;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The series' own KUnit tests, one scenario for each case the series adds. */
@Catalogue
class Kunit {
    private static final String SUITE = "dma-buf-pfn";
    private static final Pattern CASE = Pattern.compile("(?m)^\\+\\s*KUNIT_CASE\\((\\w+)\\)");

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    @DisplayName("KUnit cases of dma_buf_get_pfn() with a mock exporter")
    @Proves({"PQ1", "PQ2", "PQ3", "PQ4", "PQ6", "NG4", "NG5"})
    @KernelsWordOnly("a unit test with a mock exporter: there is no memory to witness")
    void pfn(String name, Testbed bed) {
        String ktap = bed.agent().call("kunit.run", Map.of("suite", SUITE)).text("text");

        assertThat(ktap.lines().map(String::strip))
                .as("result of %s in:%n%s", name, ktap)
                .anyMatch(line -> line.matches("ok \\d+ " + name + "( .*)?"))
                .noneMatch(line -> line.matches("not ok \\d+ " + name + "( .*)?"));
    }

    /** Read from the patches, so that a case which does not run is missed. */
    static List<String> cases() throws IOException {
        List<String> names = new ArrayList<>();
        Path series = ProjectFiles.locate().kernelConfig().resolve("series/7.3");
        try (Stream<Path> patches = Files.list(series)) {
            for (Path patch : patches.sorted().toList()) {
                Matcher added = CASE.matcher(Files.readString(patch));
                while (added.find()) {
                    names.add(added.group(1));
                }
            }
        }
        return names;
    }
}
