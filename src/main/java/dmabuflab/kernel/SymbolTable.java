// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Command;
import dmabuflab.host.InfrastructureException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The functions of a vmlinux, and the variables that all of its files may use. */
public final class SymbolTable {
    /** A function's end is filled up to where the next one may begin; kallsyms counts that. */
    private static final long ALIGNMENT = 64;

    private static final int COLUMNS = 8;
    private static final int HEXADECIMAL = 16;

    private final Map<String, List<Symbol>> functions = new HashMap<>();
    private final Map<String, Long> variables = new HashMap<>();

    /**
     * A function.
     *
     * @param file its source file without directory, "" where the linker does not keep it: for all
     *     that other files may call
     */
    record Symbol(long address, long size, String file) {}

    private SymbolTable() {}

    /** Reads those of a kernel. */
    public static SymbolTable of(Path vmlinux) {
        SymbolTable table = new SymbolTable();
        String[] file = {""};
        // Line by line, as there are some ten thousands of them.
        Command.of("readelf", "-sW", vmlinux.toString())
                .eachLine(line -> file[0] = table.add(line, file[0]))
                .check();
        return table;
    }

    /** For tests: from what readelf says. */
    static SymbolTable parse(String text) {
        SymbolTable table = new SymbolTable();
        String file = "";
        for (String line : text.lines().toList()) {
            file = table.add(line, file);
        }
        return table;
    }

    /** Takes a line, and returns the file that the next one is of. */
    private String add(String line, String file) {
        // Num: Value Size Type Bind Vis Ndx Name
        String[] columns = line.strip().split("\\s+", -1);
        if (columns.length != COLUMNS || !columns[0].matches("\\d+:")) {
            return file;
        }
        if (columns[3].equals("FILE")) {
            return columns[7];
        }
        boolean local = columns[4].equals("LOCAL");
        if (columns[3].equals("OBJECT") && !local) {
            variables.put(columns[7], Long.parseUnsignedLong(columns[1], HEXADECIMAL));
        } else if (columns[3].equals("FUNC")) {
            functions
                    .computeIfAbsent(columns[7], name -> new ArrayList<>())
                    .add(
                            new Symbol(
                                    Long.parseUnsignedLong(columns[1], HEXADECIMAL),
                                    Long.decode(columns[2]),
                                    local ? file : ""));
        }
        return file;
    }

    /**
     * The function of this name, unless there are several that it may be.
     *
     * @param size as the kernel tells it
     */
    Optional<Symbol> find(String name, long size) {
        List<Symbol> fitting =
                functions.getOrDefault(name, List.of()).stream()
                        .filter(each -> each.size() <= size && size < each.size() + ALIGNMENT)
                        .toList();
        return fitting.size() == 1 ? Optional.of(fitting.get(0)) : Optional.empty();
    }

    /**
     * Where the only function of this name begins.
     *
     * @throws InfrastructureException when there is none, or there are several
     */
    public long address(String name) {
        List<Symbol> named = functions.getOrDefault(name, List.of());
        if (named.size() == 1) {
            return named.get(0).address();
        }
        List<String> similar =
                functions.keySet().stream().filter(each -> each.contains(name)).sorted().toList();
        throw new InfrastructureException(
                "cannot tell where in the kernel " + name + " is",
                named.isEmpty() ? "no such function" : named.size() + " files have one",
                similar.isEmpty()
                        ? "it may be inlined, in a module, or misspelt"
                        : "there are " + String.join(", ", similar));
    }

    /** Where a variable is; empty where no such one can be used by all files. */
    public Optional<Long> variable(String name) {
        return Optional.ofNullable(variables.get(name));
    }

    /** The function that an address is in, and how far. */
    public String describe(long address) {
        for (Map.Entry<String, List<Symbol>> each : functions.entrySet()) {
            for (Symbol symbol : each.getValue()) {
                long offset = address - symbol.address();
                if (offset >= 0 && offset < symbol.size()) {
                    return String.format("%s+0x%x", each.getKey(), offset);
                }
            }
        }
        return String.format("0x%x, which is not the kernel's", address);
    }
}
