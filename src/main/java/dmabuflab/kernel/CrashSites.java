// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Command;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where in the source the frames of a kernel's report are, and which patch put that there. */
public final class CrashSites {
    private static final int HEXADECIMAL = 16;
    private static final Pattern FRAME =
            Pattern.compile("([\\w.]+)\\+0x([0-9a-f]+)/0x([0-9a-f]+)(?: \\[(\\w+)\\])?.*");
    private static final Pattern LINE = Pattern.compile("(\\S+):(\\d+)(?: .*)?");

    /** What a kernel without them says last. */
    private static final String NO_LINES =
            "no lines, as this kernel has no debug info; the variant gdb has, or"
                    + " CONFIG_DEBUG_INFO_DWARF5=y in a --config FILE gives it some";

    private final Path vmlinux;
    private final SymbolTable symbols;
    private final Optional<SourceHistory> history;

    /**
     * @param history of its source, if that is there
     */
    CrashSites(Path vmlinux, Optional<SourceHistory> history) {
        this.vmlinux = vmlinux;
        this.symbols = SymbolTable.of(vmlinux);
        this.history = history;
    }

    /**
     * A few lines for each frame that something is known of.
     *
     * @param site file and line that the report itself names, "" if it names none
     * @param frames as the kernel prints them, innermost first: {@code dma_buf_put+0x1/0x2}
     */
    public List<String> tell(String site, List<String> frames) {
        List<String> told = new ArrayList<>();
        if (!site.isEmpty()) {
            lines("  " + site, site).ifPresent(told::addAll);
        }
        boolean withLines = true;
        for (int i = 0; i < frames.size(); i++) {
            Matcher frame = FRAME.matcher(frames.get(i));
            if (!frame.matches()) {
                continue;
            }
            told.add("  " + frames.get(i));
            if (frame.group(4) != null) {
                continue; // of a module, which vmlinux knows nothing of
            }
            List<String> exact = exact(frame, i > 0);
            withLines &= !exact.isEmpty();
            told.addAll(exact.isEmpty() ? bySymbol(frame) : exact);
        }
        if (!withLines) {
            told.add("  " + NO_LINES);
        }
        return told;
    }

    /** Files and lines of a frame, those that were inlined first; empty without debug info. */
    private List<String> exact(Matcher frame, boolean returns) {
        Optional<Long> address = symbol(frame).map(s -> s.address() + number(frame, 2));
        if (address.isEmpty()) {
            return List.of();
        }
        // A return address is behind the call, maybe on the next line.
        String where = Long.toHexString(address.get() - (returns ? 1 : 0));
        List<String> told = new ArrayList<>();
        Command.of("addr2line", "-i", "-e", vmlinux.toString(), where)
                .output()
                .lines()
                .forEach(line -> lines("    " + line, line).ifPresent(told::addAll));
        return told;
    }

    /** What is known of a file and a line; nothing if it is no line at all. */
    private Optional<List<String>> lines(String otherwise, String text) {
        Matcher line = LINE.matcher(text);
        if (!line.matches() || line.group(2).equals("0")) {
            return Optional.empty();
        }
        Optional<String> file = history.flatMap(h -> h.relative(line.group(1)));
        if (file.isEmpty()) {
            return Optional.of(List.of(otherwise));
        }
        String indent = otherwise.replaceFirst("\\S.*", "");
        List<String> told = new ArrayList<>();
        told.add(indent + file.get() + ":" + line.group(2));
        history.flatMap(h -> h.patchOfLine(file.get(), Integer.parseInt(line.group(2))))
                .ifPresent(patch -> told.add(indent + "  this line is of \"" + patch + "\""));
        return Optional.of(told);
    }

    private List<String> bySymbol(Matcher frame) {
        String function = frame.group(1);
        String name = symbol(frame).map(SymbolTable.Symbol::file).orElse("");
        Optional<String> file = history.flatMap(h -> h.file(function, name));
        if (file.isEmpty()) {
            return name.isEmpty() ? List.of() : List.of("    in a " + name);
        }
        List<String> told = new ArrayList<>(List.of("    in " + file.get()));
        history.flatMap(h -> h.patchOfFunction(file.get(), function))
                .ifPresent(patch -> told.add("      last changed by \"" + patch + "\""));
        return told;
    }

    private Optional<SymbolTable.Symbol> symbol(Matcher frame) {
        return symbols.find(frame.group(1), number(frame, 3));
    }

    private static long number(Matcher frame, int group) {
        return Long.parseLong(frame.group(group), HEXADECIMAL);
    }
}
