// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import dmabuflab.kernel.ExecutedLines;
import dmabuflab.kernel.Inspection.ChangedLine;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What of a series was executed by its scenarios, patch by patch.
 *
 * @param scenarios how many ran on the kernel that counts
 * @param red how many of them were red there: what they would have executed later is missing
 * @param patches in their order; those that bring no lines are there too
 */
public record Coverage(int scenarios, int red, List<PatchCoverage> patches) {

    /** Puts together what was changed and what ran. */
    static Coverage of(
            int scenarios, int red, int patches, List<ChangedLine> changed, ExecutedLines ran) {
        List<PatchCoverage> all = new ArrayList<>();
        for (int number = 1; number <= patches; number++) {
            int patch = number;
            all.add(
                    of(
                            patch,
                            changed.stream().filter(line -> line.patch() == patch).toList(),
                            ran));
        }
        return new Coverage(scenarios, red, all);
    }

    private static PatchCoverage of(int patch, List<ChangedLine> changed, ExecutedLines ran) {
        int lines = 0;
        int executed = 0;
        int branches = 0;
        int taken = 0;
        Gaps gaps = new Gaps();
        Set<String> notMeasured = new TreeSet<>();
        for (ChangedLine line : changed) {
            Optional<ExecutedLines.Line> code = ran.at(line.file(), line.number());
            if (code.isPresent()) {
                lines++;
                branches += code.get().branches();
                taken += code.get().taken();
                executed += code.get().isExecuted() ? 1 : 0;
            } else if (line.file().matches(".*\\.[ch]") && !ran.covers(line.file())) {
                notMeasured.add(line.file());
            }
            gaps.add(line, code);
        }
        return new PatchCoverage(
                patch, lines, executed, branches, taken, gaps.all(), List.copyOf(notMeasured));
    }
}
