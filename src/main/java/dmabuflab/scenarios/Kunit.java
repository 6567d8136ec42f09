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
@KernelsWordOnly("a unit test with a mock exporter: there is no memory to witness")
class Kunit {
    private static final String SUITE = "dma-buf-pfn";
    private static final String FRAMES =
            "every_page_.*|more_than_four_gib|part_of_a_page|past_the_end";
    private static final String ORDERS = "max_order_.*";
    private static final String WAITS = "waits_.*|ignores_.*|interrupted_.*";
    private static final String ATTACHES = "attach_.*|export.*|query_without_get_pfn";
    private static final String LIFETIMES = "lifetime_.*";
    private static final String RANGES = "ranges_.*|attrs_.*";
    private static final String PRIVATE = "private_.*";
    private static final Pattern CASE = Pattern.compile("(?m)^\\+\\s*KUNIT_CASE\\w*\\((\\w+)");

    @ParameterizedTest(name = "{0}")
    @MethodSource("frameCases")
    @DisplayName("KUnit: each page of a mock exporter's ranges, and none past the end")
    @Proves({"PQ1", "PQ2", "PQ3", "PQ5"})
    void frames(String name, Testbed bed) {
        assertCase(name, bed);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("orderCases")
    @DisplayName("KUnit: max_order by table and by definition")
    @Proves("PQ4")
    void maxOrder(String name, Testbed bed) {
        assertCase(name, bed);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("waitCases")
    @DisplayName("KUnit: what a query waits for, and what ends the wait")
    @Proves({"PQ3", "PQ6"})
    void waiting(String name, Testbed bed) {
        assertCase(name, bed);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("attachCases")
    @DisplayName("KUnit: which importers fit which exporters")
    @Proves({"NG4", "NG5"})
    void attach(String name, Testbed bed) {
        assertCase(name, bed);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("lifetimeCases")
    @DisplayName("KUnit: every offer of an exporter against everything an importer may tolerate")
    @Proves({"LC4", "NG1", "NG2"})
    void lifetimes(String name, Testbed bed) {
        assertCase(name, bed);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("rangeCases")
    @DisplayName("KUnit: ranges of PFNs, and what is said of them")
    @Proves({"AT2", "CO1"})
    void ranges(String name, Testbed bed) {
        assertCase(name, bed);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("privateCases")
    @DisplayName("KUnit: who gets private buffers")
    @Proves({"KV5", "KV6"})
    void privacy(String name, Testbed bed) {
        assertCase(name, bed);
    }

    @ParameterizedTest(name = "{0}", allowZeroInvocations = true)
    @MethodSource("otherCases")
    @DisplayName("KUnit: queries around a revoke, and cases of no other group")
    @Proves({"PQ3", "UR2"})
    void others(String name, Testbed bed) {
        assertCase(name, bed);
    }

    private static void assertCase(String name, Testbed bed) {
        bed.requireSeries("this test");
        String ktap = bed.agent().call("kunit.run", Map.of("suite", SUITE)).text("text");

        assertThat(ktap.lines().map(String::strip))
                .as("result of %s in:%n%s", name, ktap)
                .anyMatch(line -> line.matches("ok \\d+ " + name + "( .*)?"))
                .noneMatch(line -> line.matches("not ok \\d+ " + name + "( .*)?"))
                .noneMatch(line -> line.matches("ok \\d+ " + name + " # SKIP.*"));
    }

    static List<String> frameCases() throws IOException {
        return matching(FRAMES);
    }

    static List<String> orderCases() throws IOException {
        return matching(ORDERS);
    }

    static List<String> waitCases() throws IOException {
        return matching(WAITS);
    }

    static List<String> attachCases() throws IOException {
        return matching(ATTACHES);
    }

    static List<String> lifetimeCases() throws IOException {
        return matching(LIFETIMES);
    }

    static List<String> rangeCases() throws IOException {
        return matching(RANGES);
    }

    static List<String> privateCases() throws IOException {
        return matching(PRIVATE);
    }

    static List<String> otherCases() throws IOException {
        String grouped =
                String.join("|", FRAMES, ORDERS, WAITS, ATTACHES, LIFETIMES, RANGES, PRIVATE);
        return matching("(?!(" + grouped + ")$).*");
    }

    private static List<String> matching(String names) throws IOException {
        return cases().stream().filter(name -> name.matches(names)).toList();
    }

    /** Read from the patches, so that a case which does not run is missed. */
    private static List<String> cases() throws IOException {
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
