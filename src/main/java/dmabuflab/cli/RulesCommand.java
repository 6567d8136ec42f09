// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.ProjectFiles;
import dmabuflab.report.Paragraph;
import dmabuflab.scenario.Listing;
import dmabuflab.scenario.ScenarioRunner;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "rules",
        description = {
            "Says what each rule of the contract is, and what there is to prove it:",
            "scenarios, and kernels that break it on purpose. Runs nothing."
        },
        mixinStandardHelpOptions = true)
final class RulesCommand implements Callable<Integer> {
    private static final int WIDTH = 72;

    @Spec CommandSpec spec;

    @Parameters(paramLabel = "RULE", arity = "0..*", description = "ids, such as PQ4; all if none")
    List<String> wanted = List.of();

    @Override
    public Integer call() {
        var kernelConfig = ProjectFiles.locate().kernelConfig();
        Map<String, String> rules = Contract.read(kernelConfig.resolve("contract.md"));
        for (String rule : wanted) {
            if (!rules.containsKey(rule)) {
                throw new ParameterException(
                        spec.commandLine(),
                        "there is no rule "
                                + rule
                                + "; there are "
                                + String.join(" ", rules.keySet()));
            }
        }
        List<Listing> catalogue = ScenarioRunner.list();
        List<Mutant> mutants = Mutant.read(List.of(kernelConfig.resolve("mutants")));
        PrintWriter out = spec.commandLine().getOut();
        List<String> unproved = new ArrayList<>();
        for (Map.Entry<String, String> rule : rules.entrySet()) {
            List<String> scenarios =
                    catalogue.stream()
                            .filter(each -> each.rules().contains(rule.getKey()))
                            .map(each -> each.id().toString())
                            .toList();
            List<String> broken =
                    mutants.stream()
                            .filter(each -> each.breaks().contains(rule.getKey()))
                            .map(Mutant::name)
                            .toList();
            if (scenarios.isEmpty() || broken.isEmpty()) {
                unproved.add(rule.getKey());
            }
            if (wanted.isEmpty() || wanted.contains(rule.getKey())) {
                print(out, rule, scenarios, broken);
            }
        }
        if (wanted.isEmpty()) {
            out.printf(
                    "%d rules; without a scenario or a mutant: %s%n",
                    rules.size(), unproved.isEmpty() ? "none" : String.join(" ", unproved));
        }
        out.flush();
        return 0;
    }

    private static void print(
            PrintWriter out,
            Map.Entry<String, String> rule,
            List<String> scenarios,
            List<String> mutants) {
        String says = rule.getKey() + "  " + rule.getValue();
        Paragraph.wrap(says, WIDTH).forEach(out::println);
        Paragraph.wrap("proved by " + names(scenarios), WIDTH)
                .forEach(line -> out.println("    " + line));
        Paragraph.wrap("broken by " + names(mutants), WIDTH)
                .forEach(line -> out.println("    " + line));
        out.println();
    }

    private static String names(List<String> names) {
        return names.isEmpty() ? "nothing" : String.join(" ", names);
    }
}
