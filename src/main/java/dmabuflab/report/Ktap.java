// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The run in KTAP version 1, as kernel test tools read it: one subtest per class of scenarios. Why
 * a scenario did not pass stands in the diagnostic lines before its result; a hung one carries the
 * directive TIMEOUT, an infrastructure problem ERROR. What was expected to be red is ok with XFAIL,
 * as in the kernel's kselftest.h.
 */
final class Ktap {
    private final StringBuilder text = new StringBuilder();

    private final Set<String> expectedRed;

    private Ktap(Set<String> expectedRed) {
        this.expectedRed = expectedRed;
    }

    static String of(RunResult run, Set<String> expectedRed) {
        Ktap ktap = new Ktap(expectedRed);
        ktap.run(run);
        return ktap.text.toString();
    }

    private void run(RunResult run) {
        line("", "KTAP version 1");
        Map<String, List<ScenarioResult>> classes = run.byClass();
        line("", "1.." + classes.size());
        run.environment().forEach((key, value) -> diagnostic("", key + ": " + value));
        int number = 0;
        for (Map.Entry<String, List<ScenarioResult>> entry : classes.entrySet()) {
            subtest(entry.getKey(), entry.getValue());
            result("", ++number, entry.getKey(), verdict(entry.getValue()), "");
        }
    }

    private void subtest(String name, List<ScenarioResult> scenarios) {
        String indent = "  ";
        line(indent, "KTAP version 1");
        line(indent, "# Subtest: " + name);
        line(indent, "1.." + scenarios.size());
        int number = 0;
        for (ScenarioResult scenario : scenarios) {
            boolean xfail = isExpected(scenario);
            if (xfail
                    || (scenario.outcome() != Outcome.PASSED
                            && scenario.outcome() != Outcome.SKIPPED)) {
                diagnostic(indent, scenario.outcome().label() + ": " + scenario.message());
                diagnostic(indent, "again: " + scenario.rerun());
            }
            if (xfail) {
                result(indent, ++number, scenario.methodName(), true, " # XFAIL");
            } else {
                result(
                        indent,
                        ++number,
                        scenario.methodName(),
                        scenario.outcome(),
                        scenario.headline());
            }
        }
    }

    private boolean isExpected(ScenarioResult scenario) {
        return scenario.outcome().isRed() && expectedRed.contains(scenario.id());
    }

    /** Skipped only when all are: otherwise the others tell. */
    private Outcome verdict(Collection<ScenarioResult> scenarios) {
        return Outcome.worst(
                scenarios.stream()
                        .map(each -> isExpected(each) ? Outcome.PASSED : each.outcome())
                        .toList());
    }

    private void result(String indent, int number, String name, Outcome outcome, String why) {
        boolean ok = outcome == Outcome.PASSED || outcome == Outcome.SKIPPED;
        String directive =
                switch (outcome) {
                    case SKIPPED -> (" # SKIP " + oneLine(why)).stripTrailing();
                    case HUNG -> " # TIMEOUT";
                    case INFRASTRUCTURE -> " # ERROR";
                    default -> "";
                };
        result(indent, number, name, ok, directive);
    }

    private void result(String indent, int number, String name, boolean ok, String directive) {
        // A '#' would begin a directive.
        line(
                indent,
                (ok ? "ok " : "not ok ")
                        + number
                        + " "
                        + oneLine(name).replace('#', '_')
                        + directive);
    }

    private void diagnostic(String indent, String message) {
        message.lines().forEach(part -> line(indent, ("# " + part).stripTrailing()));
    }

    private void line(String indent, String content) {
        text.append(indent).append(content).append('\n');
    }

    private static String oneLine(String text) {
        return text.replaceAll("\\s+", " ").strip();
    }
}
