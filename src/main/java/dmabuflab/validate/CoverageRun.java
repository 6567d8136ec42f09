// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import dmabuflab.kernel.CountingKernel;
import dmabuflab.kernel.ExecutedLines;
import dmabuflab.kernel.Inspection;
import dmabuflab.kernel.Inspection.ChangedLine;
import dmabuflab.kernel.Kernels;
import dmabuflab.report.ScenarioResult;
import dmabuflab.scenario.LabOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/** Runs scenarios once more on a head that counts which lines of the series it executes. */
final class CoverageRun {
    private final Kernels kernels;
    private final Inspection inspection;
    private final LabOptions head;
    private final Path directory;
    private final int jobs;
    private final Consumer<String> progress;

    /**
     * @param head the kernel with all patches
     * @param directory receives a report, and the patch that makes it count
     */
    CoverageRun(
            Kernels kernels, LabOptions head, Path directory, int jobs, Consumer<String> progress) {
        this.kernels = kernels;
        this.inspection = Inspection.with(kernels);
        this.head = head;
        this.directory = directory;
        this.jobs = jobs;
        this.progress = progress;
    }

    /**
     * Does so.
     *
     * @param patches how many there are in the series
     * @param files what they touch
     */
    Coverage run(int patches, Set<String> files, List<String> ids) {
        List<ChangedLine> changed = inspection.changedLines(head.request(), patches, files);
        Path patch = directory.resolve("coverage.patch");
        if (!CountingKernel.writePatch(kernels, head.request(), files, patch)) {
            progress.accept("coverage: of the files that the series touches no object can count");
            ExecutedLines nothing = new ExecutedLines(kernels.obtain(head.request()), files);
            return Coverage.of(0, 0, patches, changed, nothing);
        }
        progress.accept(
                "%d scenarios once more, on a kernel that counts what it executes"
                        .formatted(ids.size()));
        LabOptions counting = with(patch);
        Runs runs = new Runs(counting, List.of(), directory, "coverage", jobs, progress);
        Collection<ScenarioResult> results = runs.run(0, "counting", ids).values();
        ExecutedLines executed = new ExecutedLines(kernels.obtain(counting.request()), files);
        Set<Path> archives = new TreeSet<>();
        for (ScenarioResult result : results) {
            if (result.directory() != null) {
                archives.add(result.directory().resolve(ExecutedLines.ARCHIVE));
            }
        }
        archives.stream().filter(Files::exists).forEach(executed::add);
        long red = results.stream().filter(result -> result.outcome().isRed()).count();
        return Coverage.of(results.size(), (int) red, patches, changed, executed);
    }

    private LabOptions with(Path patch) {
        List<Path> all = new ArrayList<>(head.patches());
        all.add(patch);
        return head.withPatches(all);
    }
}
