// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import java.util.List;
import java.util.stream.Collectors;

/** A command line as a script a person can read, change and run. */
public final class ShellScript {
    private ShellScript() {}

    /** One option a line, quoted for sh. */
    public static String of(List<String> words) {
        return words.stream()
                .map(word -> (word.startsWith("-") ? "\\\n  " : "") + quote(word))
                .collect(Collectors.joining(" ", "#!/bin/sh\nexec ", "\n"));
    }

    /** A word as sh reads it back unchanged. */
    public static String quote(String word) {
        return word.matches("[A-Za-z0-9_@%+=:,./-]+")
                ? word
                : "'" + word.replace("'", "'\\''") + "'";
    }
}
