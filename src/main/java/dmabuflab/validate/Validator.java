// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import dmabuflab.host.Cache;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.kernel.BuildFailure;
import dmabuflab.kernel.Inspection;
import dmabuflab.kernel.KernelImage;
import dmabuflab.kernel.Kernels;
import dmabuflab.kernel.PatchConflict;
import dmabuflab.kernel.PatchSeries;
import dmabuflab.kernel.Sparse;
import dmabuflab.scenario.KernelName;
import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.Listing;
import dmabuflab.scenario.ScenarioRunner;
import dmabuflab.scenario.Selection;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * Looks at a series patch by patch, then at what scenarios say with it and without it. The report
 * is written anew after each step, so whatever ends this, what was found out until then is there.
 */
public final class Validator {

    /**
     * What is to be done.
     *
     * @param base the kernel below the series
     * @param series its patches, at least one
     * @param selection which scenarios to run
     * @param quick run only those that belong to the files the series touches
     * @param variants of the kernel, to run them on too
     * @param coverage whether to find out which lines of the series they execute
     * @param repeats how often a difference is looked at again, at least 1
     * @param jobs guests at once
     * @param directory receives the report
     * @param facts what else to say of this validation, such as the command
     */
    public record Plan(
            LabOptions base,
            List<Patch> series,
            Selection selection,
            boolean quick,
            List<String> variants,
            boolean coverage,
            int repeats,
            int jobs,
            Path directory,
            Map<String, String> facts) {}

    private static final String RUNNING = "it is still running, or was ended";

    private final Plan plan;
    private final Consumer<String> progress;
    private final Consumer<Validation> report;
    private final Kernels kernels = Kernels.of(ProjectFiles.locate(), Cache.locate());
    private Inspection inspection = Inspection.with(kernels);
    private final Runs runs;
    private final Instant started = Instant.now();
    private final Map<String, String> environment = new LinkedHashMap<>();
    private final List<PatchVerdict> patches = new ArrayList<>();
    private final List<VariantVerdict> variants = new ArrayList<>();
    private final List<ScenarioVerdict> scenarios = new ArrayList<>();

    /** Of the kernels so far, by their key: what they execute. */
    private final Map<String, String> codes = new HashMap<>();

    private Inspection.Warnings parents;
    private String conflict = "";
    private boolean outside;
    private boolean sameCode;
    private Coverage coverage;

    /**
     * @param progress is told a line at each step
     * @param report receives what is known, again and again
     */
    public Validator(Plan plan, Consumer<String> progress, Consumer<Validation> report) {
        this.plan = plan;
        this.progress = progress;
        this.report = report;
        this.runs = runs(plan.base(), "");
        environment.putAll(plan.facts());
    }

    /** Without it a series can be judged all the same, and whoever reads that is told. */
    private Optional<Sparse> sparse() {
        try {
            Sparse sparse = Sparse.obtain(Cache.locate());
            environment.put("sparse", sparse.version());
            return Optional.of(sparse);
        } catch (InfrastructureException e) {
            environment.put("sparse", "not run: " + e.getMessage().lines().findFirst().orElse(""));
            progress.accept("without sparse: " + e.getMessage());
            return Optional.empty();
        }
    }

    private Runs runs(LabOptions base, String variant) {
        List<Path> series = files(plan.series());
        return new Runs(base, series, plan.directory(), variant, plan.jobs(), progress);
    }

    /**
     * Does all of it.
     *
     * @throws InfrastructureException when the lab could not do its work, or the base is no good
     */
    public Validation run() {
        try {
            note(RUNNING);
            if (apply() && everyPatch()) {
                catalogue();
            }
            return note("");
        } catch (InfrastructureException e) {
            Validation so = note(e.getMessage());
            if (so.exitStatus() == 1) {
                return so; // enough is known
            }
            throw e;
        }
    }

    private Validation note(String unfinished) {
        Validation so =
                new Validation(
                        started,
                        Duration.between(started, Instant.now()),
                        environment,
                        plan.series(),
                        conflict,
                        List.copyOf(patches),
                        sameCode,
                        List.copyOf(variants),
                        List.copyOf(scenarios),
                        coverage,
                        plan.repeats(),
                        unfinished,
                        plan.directory());
        report.accept(so);
        return so;
    }

    private boolean apply() {
        try {
            var unused = inspection.apply(runs.kernel(plan.series().size()).request());
            progress.accept("all %d patches apply".formatted(plan.series().size()));
            return true;
        } catch (PatchConflict e) {
            Optional<Patch> patch =
                    plan.series().stream().filter(p -> p.file().equals(e.patch())).findFirst();
            if (patch.isEmpty()) {
                throw e; // one of the target's own
            }
            conflict =
                    "%s \"%s\" does not apply: %s"
                            .formatted(patch.get().place(), patch.get().subject(), e.reason());
            progress.accept(conflict);
            return false;
        }
    }

    /** Returns whether scenarios can run on the head. */
    private boolean everyPatch() {
        KernelImage parent = base();
        inspection = sparse().map(inspection::and).orElse(inspection);
        parents =
                inspection.warnings(
                        runs.kernel(0).request(), parent, files(plan.series()), Optional.empty());
        Set<String> seen = new HashSet<>(parents.lines());
        String code = parent.code();
        String first = code;
        String boot = "";
        for (Patch patch : plan.series()) {
            progress.accept("patch %s: %s".formatted(patch.place(), patch.subject()));
            List<String> style = inspection.style(runs.kernel(0).request(), patch.file());
            PatchVerdict verdict = judge(patch, style, seen, code, boot);
            patches.add(verdict);
            if (verdict.builds()) {
                code = codes.get(verdict.key());
                boot = verdict.boot();
            }
            progress.accept("  " + MailReply.line(verdict));
            note(RUNNING);
        }
        outside = plan.series().stream().anyMatch(patch -> isOutsideVmlinux(patch.file()));
        PatchVerdict last = patches.get(patches.size() - 1);
        sameCode = last.builds() && code.equals(first) && !outside;
        return last.runs();
    }

    /** Whether it changes what is no part of vmlinux, and runs nevertheless. */
    private static boolean isOutsideVmlinux(Path patch) {
        return PatchSeries.files(patch).stream()
                .anyMatch(file -> file.startsWith("tools/") || file.startsWith("arch/x86/boot/"));
    }

    private KernelImage base() {
        progress.accept("base");
        KernelImage image = requireBase(runs);
        environment.put("base kernel", image.release() + " " + image.key());
        progress.accept("  builds, boots");
        return image;
    }

    private KernelImage requireBase(Runs on) {
        KernelImage image;
        try {
            image = kernels.obtain(on.kernel(0).request());
        } catch (BuildFailure e) {
            throw new InfrastructureException(
                    "the base does not build, without any patch",
                    e.said(),
                    "give a base that does; its log is named above",
                    e);
        }
        String boot = on.boot(0);
        if (!boot.isEmpty()) {
            throw new InfrastructureException(
                    "no guest comes up on the base, without any patch",
                    boot,
                    "see " + plan.directory().resolve("runs"));
        }
        return image;
    }

    private PatchVerdict judge(
            Patch patch,
            List<String> style,
            Set<String> seen,
            String parentCode,
            String parentBoot) {
        LabOptions options = runs.kernel(patch.number());
        KernelImage image;
        try {
            image = kernels.obtain(options.request());
        } catch (BuildFailure e) {
            return PatchVerdict.unbuilt(patch, style, e.said());
        }
        codes.put(image.key(), image.code());
        Inspection.Warnings found =
                inspection.warnings(
                        options.request(), image, List.of(patch.file()), Optional.of(parents));
        List<String> fresh = found.lines().stream().filter(line -> !seen.contains(line)).toList();
        seen.addAll(found.lines());
        boolean same = codes.get(image.key()).equals(parentCode) && !isOutsideVmlinux(patch.file());
        return new PatchVerdict(
                patch,
                style,
                "",
                fresh,
                found.leftOut(),
                found.notCompiled(),
                same ? parentBoot : runs.boot(patch.number()),
                same,
                image.key());
    }

    private void catalogue() {
        Set<String> touched = new TreeSet<>();
        plan.series().forEach(patch -> touched.addAll(PatchSeries.files(patch.file())));
        List<String> selectors =
                new Areas(ProjectFiles.locate().kernelConfig().resolve("areas.txt")).of(touched);
        Selection near = new Selection(selectors);
        List<String> own = new ArrayList<>();
        List<String> soon = new ArrayList<>();
        List<String> later = new ArrayList<>();
        for (Listing scenario : ScenarioRunner.list(plan.base())) {
            boolean isNear = !selectors.isEmpty() && near.includes(scenario);
            List<String> group = scenario.isOfOwnTests() ? own : isNear ? soon : later;
            group.addAll(plan.selection().names(scenario));
        }
        if (plan.quick() && !soon.isEmpty()) {
            later.clear();
        }
        List<String> all = new ArrayList<>(own);
        all.addAll(soon);
        all.addAll(later);
        if (sameCode) {
            progress.accept("base and head execute the same code: no scenario has to run");
        } else {
            compare(runs, "", own, "own");
            compare(runs, "", soon, "near");
            compare(runs, "", later, "all");
        }
        plan.variants().forEach(each -> variant(each, all));
        if (plan.coverage() && !sameCode) {
            LabOptions head = runs.kernel(plan.series().size());
            coverage =
                    new CoverageRun(kernels, head, plan.directory(), plan.jobs(), progress)
                            .run(plan.series().size(), touched, all);
        }
    }

    private void compare(Runs on, String variant, List<String> ids, String why) {
        if (ids.isEmpty()) {
            return;
        }
        List<ScenarioVerdict> regressed = new ArrayList<>();
        SideBySide sides =
                new SideBySide(on, plan.series().size(), plan.repeats(), variant, progress);
        for (ScenarioVerdict verdict : sides.compare(ids, why)) {
            scenarios.add(verdict);
            if (verdict.judgement() == Judgement.REGRESSED) {
                regressed.add(verdict);
                progress.accept("  regressed " + verdict.name());
            }
        }
        Validation so = note(RUNNING);
        if (!regressed.isEmpty()) {
            List<ScenarioVerdict> blamed = new Blame(on, so, progress).blame(regressed);
            scenarios.removeAll(regressed);
            scenarios.addAll(blamed);
        }
        scenarios.sort(
                Comparator.comparing(ScenarioVerdict::id).thenComparing(ScenarioVerdict::variant));
        note(RUNNING);
    }

    /** The same scenarios where the kernel is compiled otherwise. */
    private void variant(String variant, List<String> ids) {
        progress.accept("variant " + variant);
        KernelName kernel = KernelName.parse(plan.base().kernel()).withVariant(variant);
        Runs on = runs(plan.base().onKernel(kernel.toString()), variant);
        String code = requireBase(on).code();
        int head = plan.series().size();
        String build = "";
        String boot = "";
        boolean same = false;
        try {
            same = kernels.obtain(on.kernel(head).request()).code().equals(code) && !outside;
            boot = same ? "" : on.boot(head);
        } catch (BuildFailure e) {
            build = e.said();
        }
        VariantVerdict verdict = new VariantVerdict(variant, build, boot, same);
        variants.add(verdict);
        progress.accept("  " + MailReply.line(verdict));
        note(RUNNING);
        if (verdict.runs() && !same) {
            compare(on, variant, ids, "all");
        }
    }

    private static List<Path> files(List<Patch> series) {
        return series.stream().map(Patch::file).toList();
    }
}
