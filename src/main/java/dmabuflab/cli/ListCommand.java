// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.Listing;
import dmabuflab.scenario.ScenarioRunner;
import dmabuflab.scenario.Selection;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "list",
        description = "Lists scenarios with the rules they prove and the devices they need.",
        mixinStandardHelpOptions = true)
final class ListCommand implements Callable<Integer> {
    @Spec CommandSpec spec;

    @Parameters(
            paramLabel = "SELECTOR",
            arity = "0..*",
            description =
                    "name, class, tag, rule or parameter, with shell-style wildcards: UR2, 'IO*', amd")
    List<String> selectors = List.of();

    @Override
    public Integer call() {
        Selection selection = Selectors.checked(spec, selectors, LabOptions.DEFAULT);
        PrintWriter out = spec.commandLine().getOut();
        for (Listing scenario : ScenarioRunner.list()) {
            if (selection.includes(scenario)) {
                out.println(scenario.id());
                out.println("    " + scenario.title());
                out.printf(
                        "    proves %s; needs %s%n",
                        String.join(" ", scenario.rules()),
                        scenario.devices().isEmpty()
                                ? "no device"
                                : String.join(" ", scenario.devices()));
                if (!scenario.builtIn().isEmpty()) {
                    out.println("    in a machine with " + String.join(" ", scenario.builtIn()));
                }
                scenario.parameters()
                        .forEach(
                                values ->
                                        out.println("    on each of " + String.join(" ", values)));
            }
        }
        out.flush();
        return 0;
    }
}
