// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import java.io.PrintWriter;
import java.util.Map;

/** Messages that GitHub Actions shows beside a change; nothing anywhere else. */
final class Annotations {
    private final PrintWriter out;
    private final boolean wanted;

    /**
     * @param environment of this process: GITHUB_ACTIONS is "true" there
     */
    Annotations(PrintWriter out, Map<String, String> environment) {
        this.out = out;
        this.wanted = "true".equals(environment.get("GITHUB_ACTIONS"));
    }

    /**
     * One of the most important findings; GitHub shows ten of a step.
     *
     * @param title one line
     */
    void error(String title, String message) {
        if (wanted) {
            out.println("::error title=" + property(title) + "::" + data(message));
            out.flush();
        }
    }

    private static String data(String text) {
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A");
    }

    private static String property(String text) {
        return data(text).replace(":", "%3A").replace(",", "%2C");
    }
}
