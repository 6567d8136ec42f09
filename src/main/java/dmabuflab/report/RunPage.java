// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import dmabuflab.host.Disk;
import dmabuflab.host.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A run for the browser: all verdicts at a glance, and of each scenario what happened when. */
final class RunPage {
    private final Page page = new Page();
    private final RunResult run;

    private RunPage(RunResult run) {
        this.run = run;
    }

    static String of(RunResult run) {
        RunPage these = new RunPage(run);
        String verdict =
                run.counts().entrySet().stream()
                        .map(each -> each.getValue() + " " + each.getKey().label())
                        .collect(Collectors.joining(", "));
        these.page.line("<h1 class=%s>%s</h1>", run.exitStatus() == 0 ? "good" : "bad", verdict);
        these.facts();
        these.matrix();
        these.rules();
        these.page.append("<h2>Scenarios</h2>\n");
        run.scenarios().stream().filter(each -> !each.isPart()).forEach(these::scenario);
        return these.page.html(verdict);
    }

    private void facts() {
        page.append("<table class=facts>\n");
        page.line("<tr><th>started<td>%s</tr>", run.started());
        page.line("<tr><th>time<td>%s</tr>", Progress.text(run.duration()));
        run.environment()
                .forEach(
                        (name, what) ->
                                page.line("<tr><th>%s<td><code>%s</code></tr>", name, what));
        page.append("</table>\n");
    }

    /** A row for each scenario, with a letter for each of its cases and parts. */
    private void matrix() {
        page.append("<h2>Verdicts</h2>\n<p>A letter for each case: + passed, F failed, C crashed,");
        page.append(" H hung, - skipped, ? the lab's own failure.</p>\n<div class=wide><table>\n");
        Map<String, Map<String, List<ScenarioResult>>> classes = new LinkedHashMap<>();
        run.byClass()
                .forEach(
                        (name, results) ->
                                classes.put(
                                        name,
                                        results.stream()
                                                .collect(
                                                        Collectors.groupingBy(
                                                                ScenarioResult::scenarioId,
                                                                LinkedHashMap::new,
                                                                Collectors.toList()))));
        classes.forEach(
                (name, scenarios) -> {
                    page.line("<tr><th>%s<th></tr>", name);
                    scenarios.forEach(this::verdicts);
                });
        page.append("</table></div>\n");
    }

    private void verdicts(String scenario, List<ScenarioResult> cases) {
        page.line("<tr><td>%s<td class=cases>", scenario.substring(scenario.indexOf('.') + 1));
        for (ScenarioResult each : cases) {
            page.line(
                    "<a class=%s href=\"#%s\" title=\"%s\">%s</a>",
                    colour(each.outcome()),
                    each.isPart() ? each.partOf() : each.id(),
                    each.id() + ": " + each.outcome().label(),
                    each.outcome().letter());
        }
        page.append("</tr>\n");
    }

    private void rules() {
        if (run.rules().isEmpty()) {
            return;
        }
        page.append("<h2>Rules</h2>\n<p>");
        run.rules()
                .forEach(
                        (rule, proofs) -> {
                            Outcome verdict = Outcome.worst(proofs.values());
                            page.line(
                                    "<span class=%s title=\"%s\">%s</span>",
                                    colour(verdict), verdict.label(), rule);
                        });
        page.append("</p>\n");
    }

    private void scenario(ScenarioResult each) {
        page.line("<details%s><summary>", each.outcome().isRed() ? " open" : "");
        page.line(
                "<span class=%s>%s</span> <code>%s</code> <span class=dim>%s</span></summary>",
                colour(each.outcome()),
                each.outcome().label(),
                each.id(),
                Progress.text(each.duration()));
        page.line(
                "<p id=\"%s\">%s %s</p>", each.id(), each.title(), String.join(" ", each.rules()));
        if (!each.message().isEmpty()) {
            page.line("<pre class=%s>%s</pre>", colour(each.outcome()), each.message());
        }
        page.append(diagram(each));
        each.witnesses()
                .forEach(
                        (who, said) ->
                                page.line(
                                        "<details><summary class=dim>%s, %s</summary><pre>%s</pre>"
                                                + "</details>",
                                        who, said.size(), String.join("\n", said)));
        page.line("<pre>%s</pre>", each.rerun());
        if (each.directory() != null && each.directory().startsWith(run.directory())) {
            page.line(
                    "<p><a href=\"%s/\">console, traces, logs</a></p>",
                    run.directory().relativize(each.directory()));
        }
        page.append("</details>\n");
    }

    /** "" when the scenario has left nothing to draw. */
    private static String diagram(ScenarioResult each) {
        if (each.directory() == null || each.isPart()) {
            return "";
        }
        Path file = each.directory().resolve(SequenceDiagram.FILE);
        try {
            return Files.exists(file) ? SequenceDiagram.inline(Files.readString(file)) : "";
        } catch (IOException e) {
            throw Disk.failure("cannot read a diagram", file, e);
        }
    }

    private static String colour(Outcome outcome) {
        return switch (outcome) {
            case PASSED -> "good";
            case FAILED, CRASHED, HUNG -> "bad";
            case SKIPPED -> "dim";
            case INFRASTRUCTURE -> "odd";
        };
    }
}
