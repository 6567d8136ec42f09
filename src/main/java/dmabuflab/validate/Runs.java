// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import dmabuflab.report.RunResult;
import dmabuflab.report.ScenarioResult;
import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.ScenarioRunner;
import dmabuflab.scenario.Selection;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;

/** Runs scenarios on the kernels of a series and keeps every outcome. */
final class Runs {
    private final LabOptions base;
    private final List<Path> patches;
    private final Path directory;
    private final String variant;
    private final int jobs;
    private final Consumer<String> progress;
    private int count;

    /**
     * @param base the kernel below the series
     * @param directory receives a report of each run
     * @param variant of the kernel, for the names of these reports; "" for none
     * @param progress is told a line for each verdict
     */
    Runs(
            LabOptions base,
            List<Path> patches,
            Path directory,
            String variant,
            int jobs,
            Consumer<String> progress) {
        this.variant = variant;
        this.progress = progress;
        this.base = base;
        this.patches = patches;
        this.directory = directory;
        this.jobs = jobs;
    }

    /** The kernel with the first patches of the series; 0 is the base. */
    LabOptions kernel(int applied) {
        List<Path> all = new ArrayList<>(base.patches());
        all.addAll(patches.subList(0, applied));
        return base.withPatches(all);
    }

    /** What is wrong with a guest that boots on it, "" if nothing. */
    String boot(int applied) {
        return ScenarioRunner.boot(reporting(kernel(applied), applied, "boot"));
    }

    /** Runs what is selected; a scenario or case by its id. */
    Map<String, ScenarioResult> run(int applied, String why, List<String> selectors) {
        RunResult result =
                ScenarioRunner.run(
                        reporting(kernel(applied), applied, why),
                        new Selection(selectors),
                        jobs,
                        false,
                        line -> progress.accept("    " + line));
        Map<String, ScenarioResult> byId = new TreeMap<>();
        result.scenarios().forEach(scenario -> byId.put(scenario.id(), scenario));
        return byId;
    }

    /** Selectors for these: a case of a selftest is run with the scenario whose part it is. */
    static List<String> selectors(Collection<ScenarioResult> results) {
        TreeSet<String> selectors = new TreeSet<>();
        results.forEach(each -> selectors.add(each.isPart() ? each.partOf() : each.id()));
        return List.copyOf(selectors);
    }

    private LabOptions reporting(LabOptions options, int applied, String why) {
        String name =
                "%s%s-%02d-%s"
                        .formatted(
                                variant.isEmpty() ? "" : variant + "-",
                                applied == patches.size()
                                        ? "head"
                                        : applied == 0 ? "base" : "patch-" + applied,
                                count++,
                                why);
        return options.withReport(directory.resolve("runs").resolve(name));
    }
}
