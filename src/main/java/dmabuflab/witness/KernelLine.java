// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Separates what the kernel said from how printk dresses it up. */
final class KernelLine {
    /**
     * Time stamp, then optionally the caller ({@code [T12]}, {@code [C0]}), then one blank. It may
     * come after something a program left on the line, such as a shell's prompt.
     */
    private static final Pattern PREFIX =
            Pattern.compile("\\[ {0,4}\\d+\\.\\d{6}\\](?:\\[[^\\]]{1,40}\\])? ?");

    private static final Pattern LEVEL = Pattern.compile("^<\\d{1,3}>");
    private static final Pattern ESCAPE = Pattern.compile("\u001b\\[[0-9;?]*[A-Za-z]");

    private static final Pattern NEXT_PREFIX = Pattern.compile("(?<=.)(?=" + PREFIX + ")");

    private KernelLine() {}

    /**
     * The kernel's lines in one of the console. There are several when a line's end was lost: the
     * second may begin a report and must not hide behind the first.
     */
    static List<String> split(String line) {
        return List.of(NEXT_PREFIX.split(line));
    }

    /** The message, its own indentation kept; a line without time stamp as it is. */
    static String message(String line) {
        String text = line.indexOf('\u001b') < 0 ? line : ESCAPE.matcher(line).replaceAll("");
        Matcher prefix = PREFIX.matcher(text);
        if (prefix.find()) {
            return text.substring(prefix.end());
        }
        return LEVEL.matcher(text).replaceFirst("");
    }
}
