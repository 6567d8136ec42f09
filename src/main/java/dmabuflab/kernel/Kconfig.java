// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Disk;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reads just enough of a kernel's Kconfig files to say why an option could not be had: its {@code
 * depends on} lines, and those of the {@code if} and {@code menu} blocks around it in its file.
 * What it cannot tell it leaves out; the kernel's own conf is who decides.
 */
final class Kconfig {

    private static final Pattern ENTRY = Pattern.compile("\\s*(?:menu)?config\\s+(\\w+)\\s*");
    private static final Pattern OTHER =
            Pattern.compile("\\s*(?:choice|endchoice|comment|source|mainmenu)\\b.*");
    private static final Pattern MENU = Pattern.compile("\\s*menu\\s+\".*");
    private static final Pattern END = Pattern.compile("\\s*(?:endif|endmenu)\\b.*");
    private static final Pattern IF = Pattern.compile("\\s*if\\s+(.+)");
    private static final Pattern DEPENDS = Pattern.compile("\\s+depends\\s+on\\s+(.+)");
    private static final Pattern PROMPT =
            Pattern.compile("\\s+(?:(?:bool|tristate|string|int|hex)\\s+[\"'].*|prompt\\s.*)");
    private static final Pattern HELP = Pattern.compile("\\s+help\\s*");
    private static final Pattern SYMBOL = Pattern.compile("[A-Z0-9_a-z]+");

    /** A condition and where it stands. */
    private record Condition(String where, String expression) {}

    private record Entry(String where, List<Condition> conditions, boolean prompt) {}

    private final Path tree;
    private final Map<String, List<Entry>> entries = new HashMap<>();

    private Kconfig(Path tree) {
        this.tree = tree;
    }

    /** Reads all Kconfig files of a kernel for x86. Takes a second or so. */
    static Kconfig read(Path tree) {
        Kconfig kconfig = new Kconfig(tree);
        try (Stream<Path> walk = Files.walk(tree)) {
            for (Path file : walk.filter(Kconfig::matters).sorted().toList()) {
                kconfig.parse(file);
            }
        } catch (IOException | UncheckedIOException e) {
            IOException cause =
                    e instanceof UncheckedIOException u ? u.getCause() : (IOException) e;
            throw Disk.failure("cannot read the Kconfig files", tree, cause);
        }
        return kconfig;
    }

    private static boolean matters(Path file) {
        String path = file.toString();
        return file.getFileName().toString().startsWith("Kconfig")
                && !path.contains("/.git/")
                && (!path.contains("/arch/")
                        || path.contains("/arch/x86/")
                        || path.endsWith("arch/Kconfig"))
                && Files.isRegularFile(file);
    }

    /**
     * Why {@code name} did not become {@code value}: lines to print below it, each beginning with a
     * line end; empty if nothing is known.
     *
     * @param values of the final {@code .config}
     */
    String explain(String name, String value, Map<String, String> values) {
        List<Entry> found = entries.get(name);
        if (found == null) {
            return "\n    no Kconfig file of this source knows it";
        }
        if (value.equals("n")) {
            return "\n    another option selects it, or it cannot be turned off";
        }
        StringBuilder text = new StringBuilder();
        for (Entry entry : found) {
            if (!entry.prompt()) {
                text.append("\n    ").append(entry.where());
                text.append(": it has no prompt, only other options can turn it on");
            }
            for (Condition condition : entry.conditions()) {
                if (!new Expression(condition.expression(), values).holds()) {
                    text.append("\n    ").append(condition.where()).append(": depends on ");
                    text.append(condition.expression()).append(states(condition, values));
                }
            }
        }
        return text.toString();
    }

    private static String states(Condition condition, Map<String, String> values) {
        StringJoiner states = new StringJoiner(", ", " (", ")");
        Matcher symbols = SYMBOL.matcher(condition.expression());
        TreeSet<String> names = new TreeSet<>();
        while (symbols.find()) {
            names.add(symbols.group());
        }
        names.removeAll(List.of("y", "n", "m"));
        names.forEach(name -> states.add(name + "=" + values.getOrDefault(name, "n")));
        return states.toString();
    }

    private void parse(Path file) throws IOException {
        // Not all files of a kernel are UTF-8; the words looked for are ASCII.
        List<String> lines = Files.readAllLines(file, StandardCharsets.ISO_8859_1);
        Deque<List<Condition>> blocks = new ArrayDeque<>();
        String name = null;
        List<Condition> open = null; // what a "depends on" belongs to
        boolean help = false;
        for (int i = 0; i < lines.size(); i++) {
            String where = tree.relativize(file) + ":" + (i + 1);
            StringBuilder whole = new StringBuilder(lines.get(i));
            while (whole.toString().endsWith("\\") && i + 1 < lines.size()) {
                whole.setLength(whole.length() - 1);
                whole.append(lines.get(++i).strip());
            }
            String line = whole.toString();
            if (help && (line.isBlank() || Character.isWhitespace(line.charAt(0)))) {
                continue; // its text may look like anything
            }
            help = HELP.matcher(line).matches();
            Matcher begin = ENTRY.matcher(line);
            Matcher condition = IF.matcher(line);
            Matcher depends = DEPENDS.matcher(line);
            if (begin.matches()) {
                name = begin.group(1);
                open = new ArrayList<>();
                blocks.forEach(open::addAll);
                entries.computeIfAbsent(name, key -> new ArrayList<>())
                        .add(new Entry(where, open, false));
            } else if (condition.matches()) {
                blocks.addLast(List.of(new Condition(where, condition.group(1).strip())));
                open = null;
            } else if (MENU.matcher(line).matches()) {
                open = new ArrayList<>();
                blocks.addLast(open);
                name = null;
            } else if (END.matcher(line).matches()) {
                blocks.pollLast();
                open = null;
            } else if (OTHER.matcher(line).matches()) {
                open = null;
            } else if (open != null && depends.matches()) {
                open.add(new Condition(where, depends.group(1).strip()));
            } else if (open != null && name != null && PROMPT.matcher(line).matches()) {
                setPrompt(name);
            }
        }
    }

    private void setPrompt(String name) {
        List<Entry> all = entries.get(name);
        Entry last = all.get(all.size() - 1);
        all.set(all.size() - 1, new Entry(last.where(), last.conditions(), true));
    }

    /**
     * A condition of Kconfig over the values of a {@code .config}; {@code m} counts as {@code y}.
     */
    private static final class Expression {

        private static final Pattern TOKEN =
                Pattern.compile(
                        "\\s*(&&|\\|\\||!=|<=|>=|[!()=<>]|\"[^\"]*\"|[\\w./-]+|\\$\\([^)]*\\)|.)");

        private final List<String> tokens = new ArrayList<>();
        private final Map<String, String> values;
        private int next;

        Expression(String text, Map<String, String> values) {
            this.values = values;
            Matcher token = TOKEN.matcher(text.replaceFirst("\\s#.*$", ""));
            while (token.find()) {
                tokens.add(token.group(1));
            }
        }

        boolean holds() {
            boolean holds = and();
            while (take("||")) {
                boolean right = and();
                holds = holds || right;
            }
            return holds;
        }

        private boolean and() {
            boolean holds = not();
            while (take("&&")) {
                boolean right = not();
                holds = holds && right;
            }
            return holds;
        }

        private boolean not() {
            if (take("!")) {
                return !not();
            }
            if (take("(")) {
                boolean holds = holds();
                take(")");
                return holds;
            }
            String left = value(word());
            if (take("=")) {
                return left.equals(value(word()));
            }
            if (take("!=")) {
                return !left.equals(value(word()));
            }
            if (take("<") || take(">") || take("<=") || take(">=")) {
                word();
                return true; // about versions of tools, which are not the writer's doing
            }
            return !left.equals("n");
        }

        private String value(String word) {
            if (word.startsWith("\"") || word.equals("y") || word.equals("m") || word.equals("n")) {
                return word;
            }
            if (word.startsWith("$") || Character.isDigit(word.charAt(0))) {
                return word;
            }
            return values.getOrDefault(word, "n");
        }

        private String word() {
            return next < tokens.size() ? tokens.get(next++) : "y";
        }

        private boolean take(String token) {
            if (next < tokens.size() && tokens.get(next).equals(token)) {
                next++;
                return true;
            }
            return false;
        }
    }
}
