// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.host.Cache;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.report.MutantFinding;
import dmabuflab.report.Rule;
import dmabuflab.report.Rule.Proof;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The rules that scenarios prove, from kernel-config/contract.md: an item of a list each. */
public final class Contract {
    private static final Pattern RULE = Pattern.compile("(?m)^- ([A-Z]{2}\\d) (.*(?:\\R  .*)*)$");

    private Contract() {}

    /**
     * All rules, the scenarios that prove each, and the project's mutants that break it.
     *
     * @param known what is known of a mutant
     */
    public static List<Rule> rules(Function<Mutant, Optional<MutantFinding>> known) {
        Path kernelConfig = ProjectFiles.locate().kernelConfig();
        List<Listing> catalogue = ScenarioRunner.list();
        List<Mutant> mutants = Mutant.read(List.of(kernelConfig.resolve("mutants")));
        List<Rule> rules = new ArrayList<>();
        read(kernelConfig.resolve("contract.md"))
                .forEach(
                        (id, text) ->
                                rules.add(
                                        new Rule(
                                                id,
                                                text,
                                                proofs(id, catalogue),
                                                broken(id, mutants, known))));
        return rules;
    }

    /** The same with what was found out about mutants of a kernel, if there is a kernel. */
    static List<Rule> rules(Optional<String> kernel) {
        Optional<MutantFindings> findings =
                kernel.map(key -> new MutantFindings(Cache.locate(), key));
        return rules(mutant -> findings.flatMap(kept -> kept.find(mutant)));
    }

    private static List<Proof> proofs(String rule, List<Listing> catalogue) {
        return catalogue.stream()
                .filter(each -> each.rules().contains(rule))
                .map(
                        each ->
                                new Proof(
                                        each.id().toString(),
                                        each.cases().stream()
                                                .map(name -> each.id() + "[" + name + "]")
                                                .toList()))
                .toList();
    }

    private static Map<String, Optional<MutantFinding>> broken(
            String rule, List<Mutant> mutants, Function<Mutant, Optional<MutantFinding>> known) {
        Map<String, Optional<MutantFinding>> broken = new LinkedHashMap<>();
        mutants.stream()
                .filter(each -> each.breaks().contains(rule))
                .forEach(each -> broken.put(each.name(), known.apply(each)));
        return broken;
    }

    /**
     * What each rule says, by its id, in the order of the file.
     *
     * @throws InfrastructureException when it cannot be read, or has no rule
     */
    static Map<String, String> read(Path file) {
        String text;
        try {
            text = Files.readString(file);
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot read the contract", e.toString(), "it belongs in " + file, e);
        }
        Map<String, String> rules = of(text);
        if (rules.isEmpty()) {
            throw new InfrastructureException(
                    "there is no rule in " + file,
                    "a rule is an item of a list that begins with its id",
                    "see kernel-config/contract.md of a fresh checkout");
        }
        return rules;
    }

    static Map<String, String> of(String text) {
        Map<String, String> rules = new LinkedHashMap<>();
        Matcher rule = RULE.matcher(text);
        while (rule.find()) {
            rules.put(rule.group(1), rule.group(2).replaceAll("\\s+", " "));
        }
        return rules;
    }
}
