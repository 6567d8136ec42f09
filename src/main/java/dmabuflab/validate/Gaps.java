// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import dmabuflab.kernel.ExecutedLines;
import dmabuflab.kernel.Inspection.ChangedLine;
import dmabuflab.validate.PatchCoverage.Gap;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Collects lines that were not executed, or not with all that may follow. Of the former those that
 * follow each other are one gap, with what is no code between them, so that a reader sees as one
 * thing what is one.
 */
final class Gaps {
    private final List<Gap> gaps = new ArrayList<>();

    /** The lines of the gap that is open, none if there is none. */
    private final List<ChangedLine> open = new ArrayList<>();

    /** What follows it and is no code: it belongs to the gap only if that goes on. */
    private final List<ChangedLine> pending = new ArrayList<>();

    private String function = "";

    /**
     * Adds the next changed line.
     *
     * @param code what is known of it, empty if it is no code
     */
    void add(ChangedLine line, Optional<ExecutedLines.Line> code) {
        if (!open.isEmpty() && !follows(line, code)) {
            close();
        }
        if (code.isEmpty()) {
            if (!open.isEmpty()) {
                pending.add(line);
            }
        } else if (code.get().isExecuted()) {
            if (code.get().taken() < code.get().branches()) {
                gaps.add(gap(List.of(line), code.get().function(), true));
            }
        } else {
            open.addAll(pending);
            pending.clear();
            open.add(line);
            function = code.get().function();
        }
    }

    private boolean follows(ChangedLine line, Optional<ExecutedLines.Line> code) {
        List<ChangedLine> lines = pending.isEmpty() ? open : pending;
        ChangedLine last = lines.get(lines.size() - 1);
        return last.file().equals(line.file())
                && last.number() + 1 == line.number()
                && code.map(each -> !each.isExecuted() && each.function().equals(function))
                        .orElse(true);
    }

    private void close() {
        gaps.add(gap(open, function, false));
        open.clear();
        pending.clear();
    }

    private static Gap gap(List<ChangedLine> lines, String function, boolean ran) {
        ChangedLine first = lines.get(0);
        return new Gap(
                first.file(),
                function,
                first.number(),
                lines.get(lines.size() - 1).number(),
                lines.stream().map(ChangedLine::text).toList(),
                ran);
    }

    /** All of them, after the last line. */
    List<Gap> all() {
        if (!open.isEmpty()) {
            close();
        }
        return List.copyOf(gaps);
    }
}
