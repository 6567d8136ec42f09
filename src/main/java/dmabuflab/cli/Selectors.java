// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.scenario.ScenarioRunner;
import dmabuflab.scenario.Selection;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Turns the words of a command line into a selection, refusing words that select nothing. */
final class Selectors {
    private Selectors() {}

    static Selection checked(CommandSpec spec, List<String> words) {
        Selection selection = new Selection(words);
        List<String> unmatched;
        try {
            unmatched = selection.unmatched(ScenarioRunner.list());
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
        return selection;
    }
}
