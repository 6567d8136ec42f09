// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.report.Paragraph;
import dmabuflab.report.Rule;
import dmabuflab.report.Rule.Proof;
import dmabuflab.scenario.Contract;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
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
        List<Rule> rules = Contract.rules(mutant -> Optional.empty());
        List<String> ids = rules.stream().map(Rule::id).toList();
        for (String rule : wanted) {
            if (!ids.contains(rule)) {
                throw new ParameterException(
                        spec.commandLine(),
                        "there is no rule " + rule + "; there are " + String.join(" ", ids));
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        List<String> unproved = new ArrayList<>();
        for (Rule rule : rules) {
            if (rule.proofs().isEmpty() || rule.mutants().isEmpty()) {
                unproved.add(rule.id());
            }
            if (wanted.isEmpty() || wanted.contains(rule.id())) {
                print(out, rule);
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

    private static void print(PrintWriter out, Rule rule) {
        String says = rule.id() + "  " + rule.text();
        Paragraph.wrap(says, WIDTH).forEach(out::println);
        Paragraph.wrap(
                        "proved by " + names(rule.proofs().stream().map(Proof::scenario).toList()),
                        WIDTH)
                .forEach(line -> out.println("    " + line));
        Paragraph.wrap("broken by " + names(rule.mutants().keySet()), WIDTH)
                .forEach(line -> out.println("    " + line));
        out.println();
    }

    private static String names(Collection<String> names) {
        return names.isEmpty() ? "nothing" : String.join(" ", names);
    }
}
