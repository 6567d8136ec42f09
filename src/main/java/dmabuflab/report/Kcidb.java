// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Rows in the form that KCIDB takes, version 5.3 of its schema. A kernel is a checkout and the one
 * build of it, both named by the lab's key of that kernel, so that rows of several reports agree.
 */
public final class Kcidb {
    private static final String ORIGIN = "dmabuf_lab";

    /** What the schema allows for in an excerpt. */
    private static final int MAX_EXCERPT = 16384;

    private static final Pattern NO_PART_OF_A_PATH = Pattern.compile("[^A-Za-z0-9_-]+");

    private final ObjectNode json = JsonNodeFactory.instance.objectNode();
    private final String prefix;

    /**
     * @param unique tells this report from all others of the lab, anywhere
     */
    public Kcidb(String unique) {
        prefix = UUID.nameUUIDFromBytes(unique.getBytes(StandardCharsets.UTF_8)).toString();
        json.putObject("version").put("major", 5).put("minor", 3);
        for (String table : new String[] {"checkouts", "builds", "tests", "issues", "incidents"}) {
            json.putArray(table);
        }
    }

    /** The whole text. */
    public String text() {
        return JsonText.of(json);
    }

    /** An id of this report's own, with the origin before it. */
    public String own(String name) {
        return id(prefix + "-" + name);
    }

    /** The id of a kernel, as checkout and as build. */
    public static String id(String key) {
        return ORIGIN + ":" + key;
    }

    /** A source that was made, or {@code valid} is false. */
    public ObjectNode checkout(String id, String comment, boolean valid) {
        return row("checkouts", id).put("comment", clean(comment)).put("valid", valid);
    }

    /** The build of the checkout with the same id. */
    public ObjectNode build(String id, boolean good) {
        return build(id, id, good);
    }

    /** Another build of a checkout. */
    public ObjectNode build(String id, String checkout, boolean good) {
        return row("builds", id)
                .put("checkout_id", checkout)
                .put("architecture", "x86_64")
                .put("status", good ? "PASS" : "FAIL");
    }

    /**
     * One run of a scenario.
     *
     * @param kernel id of the build, which need not be known here
     * @param name the scenario
     */
    public ObjectNode test(String id, String kernel, String name, Outcome outcome) {
        return row("tests", id)
                .put("build_id", kernel)
                .put("path", path(name))
                .put("status", status(outcome));
    }

    /** Something the kernel is to blame for. */
    public ObjectNode issue(String id, String comment) {
        ObjectNode issue = row("issues", id).put("version", 1).put("comment", clean(comment));
        issue.putObject("culprit").put("code", true).put("tool", false).put("harness", false);
        return issue;
    }

    /** That an issue was seen in a run of a scenario, or was not. */
    public void incident(String issue, String test, boolean present) {
        row("incidents", own("incident-" + json.withArray("incidents").size()))
                .put("issue_id", issue)
                .put("issue_version", 1)
                .put("test_id", test)
                .put("present", present);
    }

    /** What of a log a row may hold, its beginning. */
    public static String excerpt(String log) {
        String clean = clean(log);
        return clean.substring(0, Math.min(MAX_EXCERPT, clean.length()));
    }

    private ObjectNode row(String table, String id) {
        return json.withArray(table).addObject().put("id", id).put("origin", ORIGIN);
    }

    /** {@code Query.hole[MSI-X]} is {@code dmabuf_lab.Query.hole.MSI-X}. */
    static String path(String name) {
        StringBuilder path = new StringBuilder(ORIGIN);
        for (String part : name.split("[.\\[\\]]+", -1)) {
            String word = NO_PART_OF_A_PATH.matcher(part).replaceAll("_");
            if (!word.isEmpty()) {
                path.append('.').append(word);
            }
        }
        return path.toString();
    }

    private static String status(Outcome outcome) {
        return switch (outcome) {
            case PASSED -> "PASS";
            case FAILED, CRASHED, HUNG -> "FAIL";
            case INFRASTRUCTURE -> "ERROR";
            case SKIPPED -> "SKIP";
        };
    }

    private static String clean(String text) {
        return text.replace("\0", "");
    }
}
