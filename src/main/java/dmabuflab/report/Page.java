// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** A page that needs nothing else: for a browser, light or dark, and for print. */
public final class Page {
    private final StringBuilder text = new StringBuilder();

    /** Appends a line; all but the format may come from a foreign patch or kernel. */
    public void line(String format, Object... foreign) {
        Object[] safe = new Object[foreign.length];
        for (int i = 0; i < foreign.length; i++) {
            safe[i] = escape(foreign[i].toString());
        }
        text.append(String.format(Locale.ROOT, format, safe)).append('\n');
    }

    /** Appends what is HTML already. */
    public void append(String html) {
        text.append(html);
    }

    /** The whole of it. */
    public String html(String title) {
        return template()
                .replace("${title}", escape(title))
                .replace("${rows}", SequenceDiagram.ROWS)
                .replace("${body}", text);
    }

    private static String escape(String words) {
        return words.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    private static String template() {
        try (InputStream page = Page.class.getResourceAsStream("page.html")) {
            return new String(page.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("page.html of the jar", e);
        }
    }
}
