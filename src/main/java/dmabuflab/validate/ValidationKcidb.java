// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dmabuflab.report.Kcidb;
import dmabuflab.report.Outcome;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A validation as rows for KCIDB: base and patches as checkouts and builds, every run of a scenario
 * as a test, and an issue for each that regressed, with an incident wherever it was seen or not.
 */
public final class ValidationKcidb {
    private final Validation so;
    private final Kcidb rows;

    private ValidationKcidb(Validation so) {
        this.so = so;
        this.rows = new Kcidb(so.started() + " " + so.environment() + " " + so.directory());
    }

    /** The whole text. */
    public static String of(Validation so) {
        ValidationKcidb these = new ValidationKcidb(so);
        these.base();
        so.patches().forEach(these::patch);
        these.conflict();
        so.variants().forEach(these::variant);
        so.scenarios().forEach(these::scenario);
        return these.rows.text();
    }

    private void base() {
        if (so.environment().containsKey("base kernel")) {
            rows.checkout(kernel(0), so.environment().getOrDefault("base", "the base"), true);
            rows.build(kernel(0), true);
        }
    }

    private void patch(PatchVerdict verdict) {
        Patch patch = verdict.patch();
        String id = kernel(patch.number());
        rows.checkout(id, "the base, and up to " + patch.place() + " " + patch.subject(), true);
        var build = rows.build(id, verdict.builds());
        if (!verdict.builds()) {
            build.put("log_excerpt", Kcidb.excerpt(verdict.build()));
        } else if (!verdict.sameCode()) {
            // One that does the same as its parent is not booted.
            Outcome outcome = verdict.boot().isEmpty() ? Outcome.PASSED : Outcome.FAILED;
            rows.test(rows.own("boot-" + patch.number()), id, "boot", outcome)
                    .put("log_excerpt", Kcidb.excerpt(verdict.boot()));
        }
    }

    /** Other variants are other builds of the same checkouts. */
    private void variant(VariantVerdict verdict) {
        String name = verdict.variant();
        Set<Integer> earlier = new TreeSet<>();
        so.scenarios().stream()
                .filter(each -> each.variant().equals(name))
                .forEach(
                        each -> {
                            earlier.add(0);
                            earlier.addAll(each.between().keySet());
                        });
        earlier.forEach(applied -> build(applied, name, true));
        int head = so.series().size();
        var build = build(head, name, verdict.build().isEmpty());
        if (!verdict.build().isEmpty()) {
            build.put("log_excerpt", Kcidb.excerpt(verdict.build()));
        } else if (!verdict.sameCode()) {
            Outcome outcome = verdict.boot().isEmpty() ? Outcome.PASSED : Outcome.FAILED;
            rows.test(rows.own("boot-" + name), kernel(head, name), "boot", outcome)
                    .put("log_excerpt", Kcidb.excerpt(verdict.boot()));
        }
    }

    private ObjectNode build(int applied, String variant, boolean good) {
        return rows.build(kernel(applied, variant), kernel(applied), good)
                .put("config_name", variant);
    }

    private void conflict() {
        so.series().stream()
                .filter(patch -> so.conflict().startsWith(patch.place() + " "))
                .forEach(
                        patch ->
                                rows.checkout(kernel(patch.number()), patch.subject(), false)
                                        .put("log_excerpt", Kcidb.excerpt(so.conflict())));
    }

    private void scenario(ScenarioVerdict each) {
        String issue = rows.own("regressed-" + named(each));
        boolean regressed = each.judgement() == Judgement.REGRESSED;
        if (regressed) {
            String since = each.blame() == null ? "" : " since " + each.blame().subject();
            rows.issue(issue, "regressed " + each.name() + since)
                    .putObject("misc")
                    .put("rerun", each.rerun())
                    .put("message", each.message());
        }
        tests(each, 0, each.base(), regressed ? issue : null);
        each.between()
                .forEach((number, seen) -> tests(each, number, seen, regressed ? issue : null));
        tests(each, so.series().size(), each.head(), regressed ? issue : null);
    }

    private void tests(ScenarioVerdict each, int applied, List<Outcome> outcomes, String issue) {
        int run = 0;
        for (Outcome outcome : outcomes) {
            String id = rows.own("%s-on-%d-run-%d".formatted(named(each), applied, ++run));
            rows.test(id, kernel(applied, each.variant()), each.id(), outcome)
                    .putObject("misc")
                    .put("judgement", each.judgement().label())
                    .put("outcome", outcome.label());
            if (issue != null && (outcome.isRed() || outcome == Outcome.PASSED)) {
                rows.incident(issue, id, outcome.isRed());
            }
        }
    }

    private static String named(ScenarioVerdict each) {
        return each.variant().isEmpty() ? each.id() : each.id() + "-" + each.variant();
    }

    /** The same of a variant, whose key nobody keeps. */
    private String kernel(int applied, String variant) {
        return variant.isEmpty() ? kernel(applied) : rows.own("kernel-" + applied + "-" + variant);
    }

    /** Of the kernel with so many patches: by its key if there is one. */
    private String kernel(int applied) {
        String key =
                applied == 0
                        ? so.environment().getOrDefault("base kernel", "").replaceFirst(".* ", "")
                        : so.patches().stream()
                                .filter(verdict -> verdict.patch().number() == applied)
                                .map(PatchVerdict::key)
                                .findFirst()
                                .orElse("");
        return key.isEmpty() ? rows.own("kernel-" + applied) : Kcidb.id(key);
    }
}
