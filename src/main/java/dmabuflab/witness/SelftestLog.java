// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a selftest of the kernel printed, read with suspicion: it may have died half-way, printed
 * garbage, or claim more than it did.
 *
 * @param cases in the order in which they ended
 * @param plan how many cases it said there would be, empty when it did not say
 * @param skip why it skipped itself as a whole, "" when it did not
 * @param defects what is wrong with the report itself, so that its cases do not tell the whole
 *     story; empty for a complete one
 */
public record SelftestLog(List<Case> cases, OptionalInt plan, String skip, List<String> defects) {

    /** What the program said of one case. */
    public enum Result {
        PASSED,
        FAILED,
        SKIPPED,
        /** Expected to fail, and did. */
        XFAILED
    }

    /**
     * @param reason why it was skipped, or the lines that it printed before it failed
     */
    public record Case(String name, Result result, String reason) {}

    /** Lines that belong to a failed case; more of them do not make it clearer. */
    private static final int LINES_PER_CASE = 40;

    private static final String ASSERTION = "==== Test Assertion Failure ====";

    private static final Pattern PLAN =
            Pattern.compile("1\\.\\.(\\d{1,9})(?:\\s+#\\s*SKIP\\b\\s*(.*))?");
    private static final Pattern RESULT =
            Pattern.compile("(not )?ok(?: (\\d{1,9}))?(?:\\s+(?:- )?(.*))?");
    private static final Pattern DIRECTIVE =
            Pattern.compile(
                    "(.*?)\\s*#\\s*(SKIP|XFAIL|XPASS|TIMEOUT|ERROR)\\b[ :]*(.*)",
                    Pattern.CASE_INSENSITIVE);
    private static final Pattern BAIL_OUT = Pattern.compile("Bail out!\\s*(.*)");
    private static final Pattern BEGIN = Pattern.compile("# +RUN +\\S+ \\.\\.\\.");
    private static final Pattern NOISE =
            Pattern.compile("# +(?:OK|FAIL) +\\S+|TAP version \\d+|KTAP version \\d+");

    public SelftestLog {
        cases = List.copyOf(cases);
        defects = List.copyOf(defects);
    }

    /** Reads all that a program has printed; never fails. */
    public static SelftestLog of(String output) {
        Reader reader = new Reader();
        output.lines().forEach(reader::line);
        return reader.end();
    }

    /**
     * What KVM's selftests print when an assertion fails: where, and what was wrong. Empty when
     * none has.
     */
    public static String assertion(String output) {
        return output.lines()
                .dropWhile(line -> !line.equals(ASSERTION))
                .skip(1)
                .limit(LINES_PER_CASE)
                .filter(line -> !line.startsWith("sh: ")) // the guest cannot resolve a call trace
                .collect(Collectors.joining("\n"));
    }

    /** How many cases had one of these results. */
    public long count(Result result) {
        return cases.stream().filter(each -> each.result() == result).count();
    }

    private static final class Reader {
        private final List<Case> cases = new ArrayList<>();
        private final Set<String> names = new HashSet<>();
        private final List<String> defects = new ArrayList<>();
        private final List<String> before = new ArrayList<>();
        private OptionalInt plan = OptionalInt.empty();
        private String skip = "";

        void line(String line) {
            Matcher is = PLAN.matcher(line);
            if (is.matches()) {
                plan(Integer.parseInt(is.group(1)), is.group(2));
                return;
            }
            is = RESULT.matcher(line);
            if (is.matches()) {
                result(is.group(1) != null, is.group(2), is.group(3) == null ? "" : is.group(3));
                return;
            }
            is = BAIL_OUT.matcher(line);
            if (is.matches()) {
                defects.add("it gave up: " + is.group(1));
            } else if (BEGIN.matcher(line).matches()) {
                before.clear();
            } else if (!line.isBlank() && !NOISE.matcher(line).matches()) {
                before.add(line);
            }
        }

        private void plan(int count, String why) {
            if (plan.isPresent()) {
                defects.add("it planned twice: 1.." + plan.getAsInt() + " and 1.." + count);
            }
            plan = OptionalInt.of(count);
            if (why != null && count == 0) {
                skip = why.isBlank() ? "without a reason" : why.strip();
            }
            before.clear();
        }

        private void result(boolean failed, String number, String rest) {
            Matcher directive = DIRECTIVE.matcher(rest);
            boolean has = directive.matches();
            // Without a directive kselftest puts "#  text" behind the name.
            String name = (has ? directive.group(1) : rest.replaceFirst("\\s+#\\s.*$", "")).strip();
            String why = has ? directive.group(3).strip() : "";
            int expected = cases.size() + 1;
            if (number != null && Integer.parseInt(number) != expected) {
                defects.add("its result " + number + " came as the " + expected + ". one");
            }
            if (name.isEmpty() && has) {
                name = why; // kselftest's own helpers write "ok 1 # SKIP name"
            }
            name = unique(name.isEmpty() ? "case " + expected : name);
            cases.add(
                    switch (has ? directive.group(2).toUpperCase(Locale.ROOT) : "") {
                        case "SKIP" -> failed ? failure(name, why) : skipped(name, why);
                        case "XFAIL" -> new Case(name, Result.XFAILED, why);
                        case "TIMEOUT", "ERROR" -> failure(name, why);
                        default -> failed ? failure(name, why) : new Case(name, Result.PASSED, "");
                    });
            before.clear();
        }

        private static Case skipped(String name, String why) {
            return new Case(name, Result.SKIPPED, why.isEmpty() ? "without a reason" : why);
        }

        private Case failure(String name, String why) {
            List<String> lines = new ArrayList<>(before);
            if (!why.isEmpty()) {
                lines.add(why);
            }
            if (lines.isEmpty()) {
                lines.add("without a word");
            }
            int from = Math.max(0, lines.size() - LINES_PER_CASE);
            return new Case(
                    name, Result.FAILED, String.join("\n", lines.subList(from, lines.size())));
        }

        private String unique(String name) {
            String candidate = name;
            for (int n = 2; !names.add(candidate); n++) {
                candidate = name + " (" + n + ")";
            }
            return candidate;
        }

        SelftestLog end() {
            if (plan.isEmpty() && !cases.isEmpty()) {
                defects.add("it has no plan");
            } else if (plan.isPresent() && plan.getAsInt() != cases.size()) {
                String last =
                        before.isEmpty()
                                ? ""
                                : "; its last words: " + before.get(before.size() - 1);
                defects.add(cases.size() + " of " + plan.getAsInt() + " cases have ended" + last);
            }
            return new SelftestLog(cases, plan, skip, defects);
        }
    }
}
