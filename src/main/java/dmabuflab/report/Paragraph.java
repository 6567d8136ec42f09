// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.util.ArrayList;
import java.util.List;

/** Text for a terminal. */
public final class Paragraph {
    private Paragraph() {}

    /** Breaks at blanks; a longer word stays whole. At least one line. */
    public static List<String> wrap(String words, int width) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (String word : words.split(" ", -1)) {
            if (line.length() > 0 && line.length() + 1 + word.length() > width) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.length() > 0 ? " " : "").append(word);
        }
        lines.add(line.toString());
        return lines;
    }
}
