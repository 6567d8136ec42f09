// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.Listing;
import dmabuflab.scenario.ScenarioRunner;
import dmabuflab.scenario.Selection;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Turns the words of a command line into a selection, refusing what selects nothing. */
final class Selectors {
    private Selectors() {}

    /**
     * @param options with the user's own tests, of which some have to be selected
     */
    static Selection checked(CommandSpec spec, List<String> words, LabOptions options) {
        Selection selection = new Selection(words);
        List<Listing> scenarios = ScenarioRunner.list(options);
        List<String> unmatched;
        try {
            unmatched = selection.unmatched(scenarios);
        } catch (PatternSyntaxException e) {
            throw new ParameterException(
                    spec.commandLine(), "not a shell pattern: " + e.getMessage(), e);
        }
        if (!unmatched.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "no scenario, class, tag or rule matches "
                            + String.join(", ", unmatched)
                            + "; `lab list` shows what there is");
        }
        boolean leftOut =
                scenarios.stream()
                        .filter(Listing::isOfOwnTests)
                        .anyMatch(each -> selection.runs(each).isEmpty());
        if (leftOut) {
            throw new ParameterException(
                    spec.commandLine(), "nothing selects what --test gives: add the word own");
        }
        return selection;
    }
}
