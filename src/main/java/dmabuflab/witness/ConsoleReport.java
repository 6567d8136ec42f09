// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import dmabuflab.witness.ConsoleFinding.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads a guest's console as it comes and finds what the kernel complained about.
 *
 * <p>Safe for several threads: one may feed while others ask.
 */
public final class ConsoleReport {
    /** A report is cut after this many lines. */
    private static final int MAX_EXCERPT = 200;

    /** A kernel that warns in a loop must not fill our memory; the first reports tell enough. */
    private static final int MAX_FINDINGS = 100;

    /** Lines between "cut here" and the line that tells what it is about. */
    private static final int MAX_PREAMBLE = 6;

    private final LineBuffer lines = new LineBuffer();
    private final List<Draft> drafts = new ArrayList<>();
    private final List<String> preamble = new ArrayList<>();
    private Draft open;
    private int lineNumber;

    /** Takes the next piece of the stream; it may end within a line. */
    public synchronized void accept(byte[] bytes, int offset, int length) {
        lines.accept(bytes, offset, length, this::lines);
    }

    /** Takes the next piece of the stream; it may end within a line. */
    public void accept(byte[] bytes) {
        accept(bytes, 0, bytes.length);
    }

    /** The stream is over: what came without a line end counts as a line. */
    public synchronized void finish() {
        lines.finish(this::lines);
    }

    /**
     * The first hundred reports so far, in order. The last may still be incomplete: its function
     * and excerpt can grow while more lines come.
     */
    public synchronized List<ConsoleFinding> findings() {
        return drafts.stream().map(Draft::finding).toList();
    }

    private void lines(String line) {
        lineNumber++;
        KernelLine.split(line).forEach(this::line);
    }

    private void line(String line) {
        String message = KernelLine.message(line);
        Optional<ConsoleRules.Begin> begin = ConsoleRules.begin(message);
        if (open != null && begin.isPresent() && !open.includes(begin.get(), message)) {
            open = null;
        }
        if (begin.isPresent() && open == null) {
            begin(begin.get(), line, message);
        } else if (open != null) {
            open.add(line, message);
        } else {
            remember(line, message);
        }
        if (open != null && open.endsWith(message)) {
            open = null;
        }
    }

    private void begin(ConsoleRules.Begin begin, String line, String message) {
        if (!drafts.isEmpty() && ConsoleRules.consequence(message)) {
            return;
        }
        if (drafts.size() == MAX_FINDINGS) {
            return;
        }
        open = new Draft(begin, lineNumber - preamble.size(), title(message));
        open.lines.addAll(preamble);
        open.lines.add(line);
        preamble.clear();
        drafts.add(open);
    }

    /** WARN() prints its text before the line that tells where it is. */
    private String title(String message) {
        return preamble.size() < 2
                ? message
                : KernelLine.message(preamble.get(1)) + " (" + message + ")";
    }

    private void remember(String line, String message) {
        if (ConsoleRules.cutHere(message)) {
            preamble.clear();
            preamble.add(line);
        } else if (preamble.size() == MAX_PREAMBLE) {
            preamble.clear();
        } else if (!preamble.isEmpty()) {
            preamble.add(line);
        }
    }

    private static final class Draft {
        private final Kind kind;
        private final int firstLine;
        private final String title;
        private final List<String> lines = new ArrayList<>();
        private String function;

        Draft(ConsoleRules.Begin begin, int firstLine, String title) {
            this.kind = begin.kind();
            this.function = begin.function();
            this.firstLine = firstLine;
            this.title = title;
        }

        boolean includes(ConsoleRules.Begin next, String message) {
            return ConsoleRules.continues(kind, next.kind()) || ConsoleRules.consequence(message);
        }

        void add(String line, String message) {
            lines.add(line);
            if (function.isEmpty()) {
                function = ConsoleRules.function(kind, message);
            }
        }

        boolean endsWith(String message) {
            return lines.size() >= MAX_EXCERPT || ConsoleRules.ends(kind, function, message);
        }

        ConsoleFinding finding() {
            return new ConsoleFinding(kind, title, function, firstLine, lines);
        }
    }
}
