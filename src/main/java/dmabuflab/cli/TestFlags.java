// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.OwnTest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Tests that somebody brings along. */
final class TestFlags {
    @Option(
            names = "--test",
            paramLabel = "FILE.c",
            description =
                    "a C test of your own, compiled and run in a guest as a scenario of the class"
                            + " OwnTests; may be repeated")
    List<Path> tests = new ArrayList<>();

    @Spec(Spec.Target.MIXEE)
    CommandSpec spec;

    /**
     * The options with them.
     *
     * @throws ParameterException when one cannot be read, wants what there is not, or is named like
     *     another
     */
    LabOptions applyTo(LabOptions options) {
        Set<String> names = new HashSet<>();
        for (Path test : tests) {
            try {
                String name = OwnTest.read(test).name();
                if (!names.add(name)) {
                    throw new ParameterException(
                            spec.commandLine(), "two tests would be named " + name);
                }
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), e.getMessage(), e);
            }
        }
        return options.withTests(tests);
    }

    /** What is meant by these words: without any, and with tests, just the tests. */
    List<String> selectors(List<String> words) {
        return words.isEmpty() && !tests.isEmpty() ? List.of(OwnTest.SCENARIOS) : words;
    }
}
