// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.scenario.ScenarioRunner;
import dmabuflab.scenario.Selection;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Turns the words of a command line into a selection, refusing words that select nothing. */
final class Selectors {
    private Selectors() {}

    static Selection checked(CommandSpec spec, List<String> words) {
        Selection selection = new Selection(words);
        List<String> unmatched = selection.unmatched(ScenarioRunner.list());
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
