// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.report.Outcome;
import dmabuflab.report.RunResult;
import dmabuflab.report.ScenarioResult;
import dmabuflab.scenario.Listing;
import dmabuflab.scenario.ScenarioRunner;
import dmabuflab.scenario.Selection;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "mutants",
        description = {
            "Shows which scenarios notice deliberate defects.",
            "Builds each on top of the series. A defect that no scenario notices is a survivor,",
            "and a hole in the catalogue."
        },
        mixinStandardHelpOptions = true)
final class MutantsCommand implements Callable<Integer> {
    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyy-MM-dd_HHmmss");

    @Spec CommandSpec spec;

    @Mixin LabFlags flags;

    @Parameters(
            paramLabel = "DIR|FILE",
            arity = "0..*",
            description = "patches (default: kernel-config/mutants)")
    List<Path> paths = new ArrayList<>();

    @Option(
            names = "--all",
            description =
                    "run the whole catalogue on each, not just what proves the rules it breaks"
                            + " until a scenario is red")
    boolean all;

    @Option(
            names = "--report",
            paramLabel = "DIR",
            description = "one report per mutant goes below it (default: reports/mutants-DATE)")
    Path report;

    /** What one mutant came to. */
    private record Verdict(Mutant mutant, List<ScenarioResult> red, String undecided) {}

    @Override
    public Integer call() {
        ProjectFiles project = ProjectFiles.locate();
        if (paths.isEmpty()) {
            paths = List.of(project.kernelConfig().resolve("mutants"));
        }
        List<Mutant> mutants = Mutant.read(paths);
        if (mutants.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "no .patch file in " + paths);
        }
        Path reports =
                report != null
                        ? report
                        : project.root()
                                .resolve(
                                        "reports/mutants-"
                                                + STAMP.format(
                                                        LocalDateTime.now(ZoneId.systemDefault())));
        List<Listing> catalogue = ScenarioRunner.list();
        PrintWriter out = spec.commandLine().getOut();
        requireGreen(mutants, catalogue, reports.resolve("series"));
        List<Verdict> verdicts = new ArrayList<>();
        for (Mutant mutant : mutants) {
            out.printf("mutant %d of %d: %s%n", verdicts.size() + 1, mutants.size(), mutant.name());
            out.flush();
            Verdict verdict = judge(mutant, catalogue, reports.resolve(mutant.name()));
            verdicts.add(verdict);
            out.println(line(verdict));
            out.flush();
        }
        out.println();
        verdicts.forEach(verdict -> out.println(line(verdict)));
        long survivors = verdicts.stream().filter(MutantsCommand::survived).count();
        long undecided = verdicts.stream().filter(v -> !v.undecided().isEmpty()).count();
        out.printf(
                "%d mutants, %d noticed, %d survived, %d undecided; reports in %s%n",
                verdicts.size(),
                verdicts.size() - survivors - undecided,
                survivors,
                undecided,
                reports);
        out.flush();
        return survivors > 0 ? 1 : undecided > 0 ? 3 : 0;
    }

    /** A scenario that is red without a mutant would notice every one of them. */
    private void requireGreen(List<Mutant> mutants, List<Listing> catalogue, Path directory) {
        Set<String> rules = new TreeSet<>();
        mutants.forEach(mutant -> rules.addAll(mutant.breaks()));
        boolean everything = all || mutants.stream().anyMatch(m -> m.breaks().isEmpty());
        Selection selection = everything ? Selection.ALL : new Selection(List.copyOf(rules));
        if (catalogue.stream().noneMatch(selection::includes)) {
            return;
        }
        RunResult series =
                ScenarioRunner.run(
                        flags.options(Optional.empty(), Optional.of(directory)),
                        selection,
                        flags.jobs,
                        true,
                        line -> {});
        if (series.exitStatus() != 0) {
            throw new InfrastructureException(
                    "the catalogue is not green without any mutant",
                    series.counts().toString(),
                    "see " + directory + ", and make it green first");
        }
    }

    private Verdict judge(Mutant mutant, List<Listing> catalogue, Path directory) {
        Selection selection = all ? Selection.ALL : new Selection(mutant.breaks());
        if (catalogue.stream().noneMatch(selection::includes)) {
            return new Verdict(mutant, List.of(), ""); // nothing proves the rule: it survives
        }
        try {
            RunResult result =
                    ScenarioRunner.run(
                            flags.options(Optional.of(mutant.patch()), Optional.of(directory)),
                            selection,
                            flags.jobs,
                            !all,
                            line -> {});
            List<ScenarioResult> red =
                    result.scenarios().stream().filter(s -> s.outcome().isRed()).toList();
            Optional<ScenarioResult> broken =
                    result.scenarios().stream()
                            .filter(s -> s.outcome() == Outcome.INFRASTRUCTURE)
                            .findFirst();
            return new Verdict(
                    mutant,
                    red,
                    red.isEmpty() ? broken.map(ScenarioResult::message).orElse("") : "");
        } catch (InfrastructureException e) {
            return new Verdict(mutant, List.of(), e.getMessage());
        }
    }

    private static boolean survived(Verdict verdict) {
        return verdict.red().isEmpty() && verdict.undecided().isEmpty();
    }

    private static String line(Verdict verdict) {
        String rules = String.join(" ", verdict.mutant().breaks());
        String name = String.format("%-32s %-10s ", verdict.mutant().name(), rules);
        if (!verdict.undecided().isEmpty()) {
            return name + "UNDECIDED " + verdict.undecided().lines().findFirst().orElse("");
        } else if (verdict.red().isEmpty()) {
            return name + "SURVIVED";
        }
        String first = verdict.red().get(0).id() + " " + verdict.red().get(0).outcome().label();
        int others = verdict.red().size() - 1;
        return name + first + (others == 0 ? "" : " and " + others + " more");
    }
}
