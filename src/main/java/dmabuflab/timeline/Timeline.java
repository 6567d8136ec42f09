// SPDX-License-Identifier: Apache-2.0
package dmabuflab.timeline;

import dmabuflab.host.Disk;
import dmabuflab.qemu.QemuProcess;
import dmabuflab.report.SequenceDiagram;
import dmabuflab.report.SequenceDiagram.Row;
import dmabuflab.report.SequenceDiagram.Source;
import dmabuflab.report.SequenceDiagram.Tone;
import dmabuflab.witness.MalformedTraceException;
import dmabuflab.witness.QemuTrace;
import dmabuflab.witness.TraceParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * All that a scenario has left of when things happened, on the host's clock: the calls of the lab,
 * the kernel's trace and QEMU's.
 */
public final class Timeline {
    /** More is hard to read; the whole is in the traces. */
    private static final int MOST_ROWS = 44;

    private static final int FIRST = 6;
    private static final int LAST = 8;

    /** What is shown before the first that matters. */
    private static final int BEFORE = 8;

    private final List<Step> steps = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private double error;

    private Timeline() {}

    /**
     * Reads a scenario's folder.
     *
     * @param parser understands QEMU's trace
     */
    public static Timeline of(Path folder, TraceParser parser) {
        Timeline timeline = new Timeline();
        AgentLog log = AgentLog.parse(text(folder.resolve("agent.log")));
        timeline.steps.addAll(log.steps());
        try {
            timeline.steps.addAll(
                    HardwareSteps.of(
                            new QemuTrace(folder.resolve(QemuProcess.TRACE), parser).poll()));
        } catch (MalformedTraceException e) {
            timeline.notes.add("QEMU's trace is not understood: " + e.getMessage());
        }
        timeline.kernel(KernelSteps.parse(text(folder.resolve("trace.txt"))), log.clock());
        timeline.steps.sort(Comparator.comparingDouble(Step::at));
        return timeline;
    }

    private void kernel(List<Step> kernel, Optional<AgentLog.Clock> clock) {
        if (kernel.isEmpty()) {
            notes.add("There is no trace of the kernel.");
        } else if (clock.isEmpty()) {
            notes.add("The kernel's trace is left out: the guest has not told its time.");
        } else {
            error = clock.get().error();
            kernel.forEach(step -> steps.add(step.at(step.at() + clock.get().ahead())));
            notes.add(
                    String.format(
                            Locale.ROOT,
                            "The guest's clock is known to \u00b1%.1f ms; \u2248 where another"
                                    + " clock's event is nearer than that.",
                            error * 1000));
        }
    }

    /** Empty when nothing happened that could be drawn. */
    public Optional<SequenceDiagram> diagram() {
        if (steps.isEmpty()) {
            return Optional.empty();
        }
        List<Row> rows = rows(folded(steps));
        return Optional.of(new SequenceDiagram(rows, List.copyOf(notes)));
    }

    /** Several of a kind, one after the other, with the first one's words. */
    private record Group(Step first, int count) {
        String words() {
            return count == 1 ? first.words() : count + " \u00d7 " + first.words();
        }
    }

    private static List<Group> folded(List<Step> steps) {
        List<Group> groups = new ArrayList<>();
        for (Step step : steps) {
            Group last = groups.isEmpty() ? null : groups.get(groups.size() - 1);
            if (last != null && step.isLike(last.first())) {
                groups.set(groups.size() - 1, new Group(last.first(), last.count() + 1));
            } else if (last == null || !isImmediateReturn(last.first(), step)) {
                groups.add(new Group(step, 1));
            }
        }
        return groups;
    }

    /** A call between whose ends nothing was seen is one row. */
    private static boolean isImmediateReturn(Step call, Step step) {
        return step.tone() == Tone.RETURN
                && call.source() == Source.LAB
                && step.kind().equals(call.kind() + " returns");
    }

    private List<Row> rows(List<Group> groups) {
        double begin = groups.get(0).first().at();
        List<Row> rows = new ArrayList<>();
        int from = groups.size() <= MOST_ROWS ? 0 : FIRST;
        int window = MOST_ROWS - FIRST - LAST;
        if (groups.size() > MOST_ROWS) {
            from =
                    Math.min(
                            Math.max(FIRST, matters(groups) - BEFORE),
                            groups.size() - LAST - window);
        }
        int to = groups.size() <= MOST_ROWS ? groups.size() : from + window;
        for (int i = 0; i < groups.size(); i++) {
            if (groups.size() > MOST_ROWS && i >= FIRST && i < from) {
                i = gap(rows, groups, i, from, begin) - 1;
            } else if (i >= to && i < groups.size() - LAST) {
                i = gap(rows, groups, i, groups.size() - LAST, begin) - 1;
            } else {
                Step step = groups.get(i).first();
                rows.add(
                        new Row(
                                step.at() - begin,
                                isUnsure(groups, i),
                                step.source(),
                                step.from(),
                                step.to(),
                                step.tone(),
                                groups.get(i).words()));
            }
        }
        return rows;
    }

    /** Where the first thing is refused, or else where access is ended. */
    private static int matters(List<Group> groups) {
        List<String> changes = List.of("notify", "move", "unmap", "kvm unmap");
        for (int i = FIRST; i < groups.size(); i++) {
            Step step = groups.get(i).first();
            if (step.tone() == Tone.REFUSED || changes.contains(step.kind())) {
                return i;
            }
        }
        return groups.size() / 2;
    }

    /** Returns where it ends. */
    private static int gap(List<Row> rows, List<Group> groups, int from, int to, double begin) {
        Map<String, Integer> kinds = new TreeMap<>();
        int count = 0;
        for (Group group : groups.subList(from, to)) {
            kinds.merge(group.first().kind(), group.count(), Integer::sum);
            count += group.count();
        }
        List<String> words = new ArrayList<>();
        kinds.entrySet().stream()
                .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                .limit(8)
                .forEach(kind -> words.add(kind.getValue() + " " + kind.getKey()));
        String more = kinds.size() > 8 ? ", and others" : "";
        rows.add(
                Row.gap(
                        groups.get(from).first().at() - begin,
                        "%d events left out: %s%s"
                                .formatted(count, String.join(", ", words), more)));
        return to;
    }

    private boolean isUnsure(List<Group> groups, int i) {
        return (i > 0 && isUnsure(groups.get(i - 1).first(), groups.get(i).first()))
                || (i + 1 < groups.size()
                        && isUnsure(groups.get(i).first(), groups.get(i + 1).first()));
    }

    private boolean isUnsure(Step one, Step next) {
        boolean clocks = (one.source() == Source.KERNEL) != (next.source() == Source.KERNEL);
        return clocks && next.at() - one.at() < error;
    }

    private static String text(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            throw Disk.failure("cannot read what a scenario has left", file, e);
        }
    }
}
