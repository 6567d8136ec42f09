// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * One place that a patch wants to change.
 *
 * @param number among the hunks of its file, from 1
 * @param of how many those are
 * @param header the line that begins with {@code @@}
 * @param expected what has to be there, line by line
 */
record Hunk(int number, int of, String header, List<String> expected) {
    private static final int CONTEXT = 2;

    /** The hunk of a patch that begins at {@code line} of the old file. */
    static Optional<Hunk> find(List<String> patch, String file, String line) {
        int count = 0;
        int number = 0;
        String header = "";
        List<String> expected = new ArrayList<>();
        boolean inFile = false;
        boolean inHunk = false;
        for (String each : patch) {
            if (each.startsWith("diff --git ")) {
                inFile = each.endsWith(" b/" + file);
                inHunk = false;
            } else if (inFile && each.startsWith("@@ -")) {
                count++;
                inHunk =
                        each.startsWith("@@ -" + line + ",")
                                || each.startsWith("@@ -" + line + " ");
                if (inHunk) {
                    number = count;
                    header = each;
                }
            } else if (inHunk && (each.startsWith(" ") || each.startsWith("-"))) {
                if (each.equals("-- ")) {
                    inHunk = false; // a mail's signature
                } else {
                    expected.add(each.substring(1));
                }
            }
        }
        return number == 0
                ? Optional.empty()
                : Optional.of(new Hunk(number, count, header, List.copyOf(expected)));
    }

    /**
     * What is there instead: where most of the expected lines are, the first that is not, and its
     * neighbours; "" when nothing looks alike.
     *
     * @param content of the file as it is
     */
    String difference(List<String> content) {
        int best = -1;
        int most = 0;
        for (int at = -expected.size() + 1; at < content.size(); at++) {
            int same = 0;
            for (int i = 0; i < expected.size(); i++) {
                same += expected.get(i).equals(line(content, at + i)) ? 1 : 0;
            }
            if (same > most) {
                most = same;
                best = at;
            }
        }
        if (most == 0) {
            return "";
        }
        int first = 0;
        while (first < expected.size() && expected.get(first).equals(line(content, best + first))) {
            first++;
        }
        if (first == expected.size()) {
            return "";
        }
        StringJoiner text = new StringJoiner("\n");
        text.add("expected at line " + (best + first + 1) + ":");
        text.add("    " + expected.get(first));
        text.add("found:");
        for (int i = first - CONTEXT; i <= first + CONTEXT; i++) {
            String found = line(content, best + i);
            if (found != null) {
                text.add((i == first ? "  > " : "    ") + found);
            }
        }
        return text.toString();
    }

    private static String line(List<String> content, int index) {
        return index < 0 || index >= content.size() ? null : content.get(index);
    }

    @Override
    public String toString() {
        return "hunk " + number + " of " + of + " (" + header + ")";
    }
}
