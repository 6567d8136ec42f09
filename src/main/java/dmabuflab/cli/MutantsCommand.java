// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.Cache;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.kernel.KernelImage;
import dmabuflab.kernel.Kernels;
import dmabuflab.report.MutantFinding;
import dmabuflab.report.Outcome;
import dmabuflab.report.RunResult;
import dmabuflab.scenario.KernelName;
import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.Listing;
import dmabuflab.scenario.Mutant;
import dmabuflab.scenario.MutantFindings;
import dmabuflab.scenario.ScenarioRunner;
import dmabuflab.scenario.Selection;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
            "and a hole in the catalogue. What was found out goes into the reports of later",
            "runs on the same kernel, and is not found out again: a run that was cut off goes on",
            "where it was."
        },
        mixinStandardHelpOptions = true)
final class MutantsCommand implements Callable<Integer> {
    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyy-MM-dd_HHmmss");

    @Spec CommandSpec spec;

    @Mixin Place place;

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
                            + " until one scenario of each rule is red")
    boolean all;

    @Option(
            names = "--again",
            description =
                    "judge those too of which it is known what notices them; without it a mutant"
                            + " is judged anew if it, the series or the scenario has changed")
    boolean again;

    @Option(
            names = "--report",
            paramLabel = "DIR",
            description = "one report per mutant goes below it (default: reports/mutants-DATE)")
    Path report;

    /**
     * What one mutant came to.
     *
     * @param unnoticed rules that it breaks, although all that proves them passed
     */
    private record Verdict(Mutant mutant, MutantFinding finding, List<String> unnoticed) {}

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
        String kernel =
                Kernels.of(project, Cache.locate())
                        .obtain(flags.options(Optional.empty()).request())
                        .key();
        Map<Mutant, MutantFinding> known = known(mutants, kernel, catalogue);
        List<Mutant> unknown = mutants.stream().filter(each -> !known.containsKey(each)).toList();
        if (!unknown.isEmpty()) {
            out.println("without any mutant: all that proves the rules they break");
            out.flush();
        }
        boolean comparable = requireGreen(unknown, catalogue, reports.resolve("series"));
        List<Verdict> verdicts = new ArrayList<>();
        for (Mutant mutant : mutants) {
            out.printf("mutant %d of %d: %s%n", verdicts.size() + 1, mutants.size(), mutant.name());
            out.flush();
            MutantFinding finding = known.get(mutant);
            boolean judge = finding == null;
            Verdict verdict =
                    judge
                            ? judge(mutant, catalogue, reports.resolve(mutant.name()))
                            : new Verdict(mutant, finding, List.of());
            verdicts.add(verdict);
            out.println(line(verdict) + (judge ? "" : ", known since " + finding.when()));
            if (judge && comparable && !keep(verdict, kernel)) {
                out.println("  not kept for reports: the series may have changed, or the mutant");
            }
            out.flush();
        }
        out.println();
        verdicts.forEach(verdict -> out.println(line(verdict)));
        long survivors = verdicts.stream().filter(v -> v.finding().hasSurvived()).count();
        long killed = verdicts.stream().filter(v -> v.finding().isKilled()).count();
        long undecided = verdicts.size() - survivors - killed;
        out.printf(
                "%d mutants, %d noticed, %d survived, %d undecided; reports in %s%n",
                verdicts.size(), killed, survivors, undecided, reports);
        out.flush();
        long inPart =
                verdicts.stream()
                        .filter(v -> v.finding().isKilled() && !v.unnoticed().isEmpty())
                        .count();
        if (inPart > 0) {
            out.println(inPart + " noticed by what proves some of their rules, NOT by others");
            out.flush();
        }
        return survivors > 0 || inPart > 0 ? 1 : undecided > 0 ? 3 : 0;
    }

    /** Those that were noticed when they were judged last, on this kernel and as they are now. */
    private Map<Mutant, MutantFinding> known(
            List<Mutant> mutants, String kernel, List<Listing> catalogue) {
        Map<Mutant, MutantFinding> known = new HashMap<>();
        if (all || again) {
            return known;
        }
        MutantFindings findings = new MutantFindings(Cache.locate(), kernel);
        for (Mutant mutant : mutants) {
            findings.find(mutant)
                    .filter(MutantFinding::isKilled)
                    .filter(
                            finding ->
                                    mutant.breaks().stream()
                                            .map(rule -> proving(rule, catalogue))
                                            .allMatch(all -> isNoticed(finding, all)))
                    .ifPresent(finding -> known.put(mutant, finding));
        }
        return known;
    }

    /**
     * A scenario that is red without a mutant would notice every one of them.
     *
     * @return false when there is no scenario to run on any mutant
     */
    private boolean requireGreen(List<Mutant> mutants, List<Listing> catalogue, Path directory) {
        Set<String> rules = new TreeSet<>();
        mutants.forEach(mutant -> rules.addAll(mutant.breaks()));
        boolean everything = all || mutants.stream().anyMatch(m -> m.breaks().isEmpty());
        Selection selection = everything ? Selection.ALL : new Selection(List.copyOf(rules));
        if (mutants.isEmpty() || catalogue.stream().noneMatch(selection::includes)) {
            return false;
        }
        LabOptions options = flags.options(Optional.of(directory));
        RunResult series = run("no mutant", options, selection, true);
        if (series.exitStatus() != 0) {
            throw new InfrastructureException(
                    "the catalogue is not green without any mutant",
                    series.counts().toString(),
                    "see " + directory + ", and make it green first");
        }
        return true;
    }

    /**
     * Keeps a verdict for the reports of later runs. Not if mutant or series were edited since they
     * were read: then it may be that of another kernel. Of a source tree of the user's own that is
     * never known.
     *
     * @return whether it is kept
     */
    private boolean keep(Verdict verdict, String kernel) {
        KernelName name = KernelName.parse(flags.kernel);
        Cache cache = Cache.locate();
        Optional<String> now =
                Kernels.of(ProjectFiles.locate(), cache)
                        .cached(name.target(), name.variant())
                        .map(KernelImage::key);
        boolean same = now.equals(Optional.of(kernel)) && verdict.mutant().isUnchanged();
        if (same) {
            new MutantFindings(cache, kernel).keep(verdict.mutant(), verdict.finding());
        }
        return same;
    }

    /** Until each rule that it breaks was seen broken, or all that proves the rule was run. */
    private Verdict judge(Mutant mutant, List<Listing> catalogue, Path directory) {
        if (all || mutant.breaks().isEmpty()) {
            return new Verdict(mutant, judge(mutant, Selection.ALL, directory), List.of());
        }
        MutantFinding finding = MutantFinding.unnoticed();
        List<String> unnoticed = new ArrayList<>();
        for (String rule : mutant.breaks()) {
            if (!isNoticed(finding, proving(rule, catalogue))) {
                Selection selection = new Selection(List.of(rule));
                MutantFinding ofRule = judge(mutant, selection, directory.resolve(rule));
                finding = finding.and(ofRule);
                if (ofRule.hasSurvived()) {
                    unnoticed.add(rule);
                }
            }
        }
        return new Verdict(mutant, finding, unnoticed);
    }

    private static List<String> proving(String rule, List<Listing> catalogue) {
        return catalogue.stream()
                .filter(new Selection(List.of(rule))::includes)
                .map(each -> each.id().toString())
                .toList();
    }

    /** Whether one of these is red; of none there is nothing to notice. */
    private static boolean isNoticed(MutantFinding finding, List<String> scenarios) {
        return scenarios.isEmpty() || !finding.redAmong(scenarios).isEmpty();
    }

    private MutantFinding judge(Mutant mutant, Selection selection, Path directory) {
        try {
            LabOptions options =
                    flags.options(Optional.of(directory)).withPatches(List.of(mutant.patch()));
            return MutantFinding.of(run(mutant.name(), options, selection, !all));
        } catch (InfrastructureException e) {
            return MutantFinding.undecided(e.getMessage());
        }
    }

    private RunResult run(String task, LabOptions options, Selection selection, boolean failFast) {
        try (VerdictCount verdicts = new VerdictCount(task)) {
            return ScenarioRunner.run(options, selection, flags.jobs, failFast, verdicts);
        }
    }

    private static String notBy(Verdict verdict) {
        return verdict.unnoticed().isEmpty()
                ? ""
                : "; NOT by what proves " + String.join(" ", verdict.unnoticed());
    }

    private static String line(Verdict verdict) {
        String rules = String.join(" ", verdict.mutant().breaks());
        String name = String.format("%-32s %-10s ", verdict.mutant().name(), rules);
        MutantFinding finding = verdict.finding();
        if (!finding.undecided().isEmpty()) {
            return name + "UNDECIDED " + finding.undecided();
        } else if (finding.hasSurvived()) {
            return name + "SURVIVED";
        }
        Map.Entry<String, Outcome> first = finding.red().entrySet().iterator().next();
        int others = finding.red().size() - 1;
        return name
                + first.getKey()
                + " "
                + first.getValue().label()
                + (others == 0 ? "" : " and " + others + " more")
                + notBy(verdict);
    }
}
