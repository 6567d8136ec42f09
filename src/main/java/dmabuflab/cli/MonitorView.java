// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.Terminal;
import dmabuflab.scenario.HardwareState;
import dmabuflab.scenario.HardwareState.Section;
import dmabuflab.scenario.HardwareState.Traced;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What {@code lab monitor} shows: a state of the hardware, each section compared with what it was
 * before it last changed. Immutable.
 */
record MonitorView(String title, List<Compared> sections, List<Traced> trace) {
    private static final int LEAST_TRACE = 4;
    private static final DateTimeFormatter MILLIS = DateTimeFormatter.ofPattern("HH:mm:ss.SSS");
    private static final DateTimeFormatter MICROS = DateTimeFormatter.ofPattern("HH:mm:ss.SSSSSS");

    /** Nothing has been seen yet. */
    static MonitorView of(String title) {
        return new MonitorView(title, List.of(), List.of());
    }

    /**
     * A section and what it was before.
     *
     * @param before the same as now if it has never changed
     * @param changed when that was
     * @param obstacle why it cannot be read at present: the rest is as it was when it could
     */
    private record Compared(
            Section now, Section before, Optional<Instant> changed, String obstacle) {
        static Compared first(Section section) {
            return new Compared(section, section, Optional.empty(), section.obstacle());
        }

        Compared with(Section fresh, Instant at) {
            if (!fresh.obstacle().isEmpty()) {
                return new Compared(now, before, changed, fresh.obstacle());
            } else if (!now.obstacle().isEmpty()) {
                return first(fresh); // it could not be read until now
            } else if (fresh.lines().equals(now.lines())) {
                return new Compared(now, before, changed, "");
            }
            return new Compared(fresh, now, Optional.of(at), "");
        }

        String heading(ZoneId zone) {
            return now.title()
                    + changed.map(at -> ", changed by " + MILLIS.format(at.atZone(zone))).orElse("")
                    + (obstacle.isEmpty() ? "" : ", unreadable now: " + obstacle);
        }

        /** At most so many lines: those that differ first of all. */
        List<String> body(int limit) {
            List<String> all = new ArrayList<>();
            TreeSet<String> keys = new TreeSet<>(now.lines().keySet());
            keys.addAll(before.lines().keySet());
            keys.forEach(key -> all.add(line(now.lines().get(key), before.lines().get(key))));
            if (all.isEmpty() && obstacle.isEmpty()) {
                return List.of("    nothing");
            } else if (all.size() <= limit) {
                return all;
            }
            int differ = (int) all.stream().filter(Compared::isMarked).count();
            int more = all.size() - (limit - 1);
            int same = Math.max(0, limit - 1 - differ);
            int marked = limit - 1 - same;
            for (Iterator<String> each = all.iterator(); each.hasNext(); ) {
                boolean kept = isMarked(each.next()) ? marked-- > 0 : same-- > 0;
                if (!kept) {
                    each.remove();
                }
            }
            int hidden = Math.max(0, differ - (limit - 1));
            all.add(
                    "    ... %d more%s"
                            .formatted(more, hidden == 0 ? "" : ", %d changed".formatted(hidden)));
            return all;
        }

        private static boolean isMarked(String line) {
            return line.charAt(2) != ' ';
        }

        private static String line(String now, String before) {
            if (now == null) {
                return "  - " + before;
            } else if (before == null) {
                return "  + " + now;
            }
            return now.equals(before) ? "    " + now : "  ~ " + now + "  (was " + before + ")";
        }
    }

    /** The view after another look. */
    MonitorView next(HardwareState state, Instant at) {
        List<Compared> next = new ArrayList<>();
        for (int i = 0; i < state.sections().size(); i++) {
            Section fresh = state.sections().get(i);
            next.add(sections.isEmpty() ? Compared.first(fresh) : sections.get(i).with(fresh, at));
        }
        return new MonitorView(title, next, state.trace());
    }

    /** The view as lines that fit into a terminal: long lists are shortened, long lines cut. */
    List<String> lines(Terminal.Size size, ZoneId zone) {
        List<String> lines = new ArrayList<>();
        lines.add(title + "    + new  - gone  ~ different");
        int limit = limit(size.rows());
        for (Compared section : sections) {
            lines.add(section.heading(zone));
            lines.addAll(section.body(limit));
        }
        lines.add("QEMU's trace");
        int left = Math.max(0, size.rows() - lines.size());
        trace.subList(Math.max(0, trace.size() - left), trace.size())
                .forEach(line -> lines.add(text(line, zone)));
        return lines.stream()
                .limit(size.rows())
                .map(line -> line.substring(0, Math.min(line.length(), size.columns())))
                .toList();
    }

    /** How long each list may be, for all to fit and something of the trace with them. */
    private int limit(int rows) {
        int limit = rows;
        while (limit > 2 && height(limit) > rows - 2 - Math.min(LEAST_TRACE, trace.size())) {
            limit--;
        }
        return limit;
    }

    private int height(int limit) {
        return sections.stream().mapToInt(each -> 1 + each.body(limit).size()).sum();
    }

    private static String text(Traced line, ZoneId zone) {
        String at = line.at().map(each -> MICROS.format(each.atZone(zone)) + " ").orElse("");
        return "    " + at + line.text();
    }
}
