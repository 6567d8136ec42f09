// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import dmabuflab.host.Terminal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A run's verdicts for a person at a terminal of 80 columns. */
public final class Summary {
    private static final int WIDTH = 80;
    private static final int NAME = 39;
    private static final int RULES = 13;

    /** An assertion takes about that many lines to say what it expected and what it got. */
    private static final int MESSAGE_LINES = 4;

    private final boolean colours;
    private final StringBuilder text = new StringBuilder();

    private Summary(boolean colours) {
        this.colours = colours;
    }

    /**
     * The table of verdicts, what is known of everything that did not pass, and the totals.
     *
     * @param colours whether to use a terminal's colours
     */
    public static String of(RunResult run, boolean colours) {
        Summary summary = new Summary(colours);
        summary.table(run);
        summary.problems(run);
        summary.totals(run);
        return summary.text.toString();
    }

    /** Whether standard output is a terminal whose user did not say NO_COLOR. */
    public static boolean terminalHasColours() {
        return Terminal.is(1)
                && System.getenv("NO_COLOR") == null
                && !Terminal.kind().equals("dumb");
    }

    private void table(RunResult run) {
        for (Map.Entry<String, List<ScenarioResult>> entry : run.byClass().entrySet()) {
            line(entry.getKey());
            entry.getValue().stream().filter(Summary::isTold).forEach(this::row);
        }
    }

    /** There are hundreds of parts: those that did their duty are in the files only. */
    private static boolean isTold(ScenarioResult result) {
        return !result.isPart()
                || (result.outcome() != Outcome.PASSED && result.outcome() != Outcome.SKIPPED);
    }

    private void row(ScenarioResult scenario) {
        List<String> rules = Paragraph.wrap(String.join(" ", scenario.rules()), RULES);
        String name = scenario.methodName();
        String start = "  " + coloured(scenario.outcome(), "%-14s") + " ";
        if (name.length() > NAME) {
            // Nothing is cut off a name that someone will want to type.
            line(start + name);
            start = " ".repeat(17);
            name = "";
        }
        line(
                String.format(
                        Locale.ROOT,
                        "%s%-" + NAME + "s %7.1f s %s",
                        start,
                        name,
                        scenario.duration().toMillis() / 1000.0,
                        rules.get(0)));
        for (String more : rules.subList(1, rules.size())) {
            line(" ".repeat(WIDTH - RULES) + more);
        }
    }

    private void problems(RunResult run) {
        for (ScenarioResult scenario : run.scenarios()) {
            if (scenario.outcome() == Outcome.PASSED || !isTold(scenario)) {
                continue;
            }
            line("");
            line(coloured(scenario.outcome(), "%s") + " " + scenario.id());
            // A crash has its title first and then what the kernel printed, which is in the files.
            scenario.message()
                    .lines()
                    .filter(part -> !part.isBlank())
                    .limit(scenario.outcome() == Outcome.CRASHED ? 1 : MESSAGE_LINES)
                    .forEach(this::message);
            if (scenario.outcome() != Outcome.SKIPPED) {
                if (scenario.directory() != null) {
                    line("    " + shortest(scenario.directory()));
                }
                line("    " + scenario.rerun());
            }
        }
    }

    private void message(String part) {
        Paragraph.wrap(part.strip(), WIDTH - 4).forEach(piece -> line("    " + piece));
    }

    private void totals(RunResult run) {
        line("");
        String counts = counts(run.counts());
        int total = run.counts().values().stream().mapToInt(Integer::intValue).sum();
        line(
                String.format(
                        Locale.ROOT,
                        "%d scenario%s in %.1f s: %s",
                        total,
                        total == 1 ? "" : "s",
                        run.duration().toMillis() / 1000.0,
                        counts.isEmpty() ? "nothing ran" : counts));
        if (!run.partCounts().isEmpty()) {
            line("their cases: " + counts(run.partCounts()));
        }
        if (!run.rules().isEmpty()) {
            rules(run.rules());
        }
        line("report: " + shortest(run.directory()));
    }

    private String counts(Map<Outcome, Integer> counts) {
        List<String> words = new ArrayList<>();
        counts.forEach((outcome, n) -> words.add(n + " " + coloured(outcome, "%s")));
        return String.join(", ", words);
    }

    private void rules(Map<String, Map<String, Outcome>> rules) {
        List<String> others = new ArrayList<>();
        for (Map.Entry<String, Map<String, Outcome>> rule : rules.entrySet()) {
            Outcome verdict = Outcome.worst(rule.getValue().values());
            if (verdict != Outcome.PASSED) {
                others.add(rule.getKey() + " " + verdict.label());
            }
        }
        String proved =
                "rules: " + (rules.size() - others.size()) + " of " + rules.size() + " hold";
        Paragraph.wrap(others.isEmpty() ? proved : proved + "; " + String.join(", ", others), WIDTH)
                .forEach(this::line);
    }

    private String coloured(Outcome outcome, String format) {
        String word = String.format(format, outcome.label());
        if (!colours) {
            return word;
        }
        int colour =
                switch (outcome) {
                    case PASSED -> 32;
                    case SKIPPED, INFRASTRUCTURE -> 33;
                    default -> 31;
                };
        return "\u001b[" + colour + "m" + word + "\u001b[0m";
    }

    private void line(String content) {
        text.append(content.stripTrailing()).append('\n');
    }

    /** Seen from where the user stands, if that is shorter. */
    private static String shortest(Path path) {
        Path absolute = path.toAbsolutePath().normalize();
        String relative = Path.of("").toAbsolutePath().relativize(absolute).toString();
        return relative.length() < absolute.toString().length() ? relative : absolute.toString();
    }
}
