// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.host.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CrashSitesTest {
    private static final String BEFORE =
            """
            static int twice(int x);

            int untouched(int x)
            {
            	return x + 1;
            }

            __attribute__((noinline))
            static int twice(int x)
            {
            	return x + x;
            }

            int go(int x)
            {
            	return untouched(x);
            }
            """;

    @TempDir Path tree;

    private Git git;
    private String base;
    private String commit;

    @BeforeEach
    void series() throws IOException {
        git = Git.at(tree);
        git.init();
        Files.createDirectory(tree.resolve("drivers"));
        Files.writeString(tree.resolve("other.c"), "int other(void)\n{\n\treturn 1;\n}\n");
        base = commit("pristine", BEFORE, List.of());
        String changed = BEFORE.replace("return untouched(x);", "return untouched(twice(x));");
        commit = commit("Double it", changed, List.of(base));
    }

    private String commit(String subject, String content, List<String> parents) throws IOException {
        Files.writeString(tree.resolve("drivers/a.c"), content);
        git.command("add", "drivers", "other.c").check();
        return git.commit(subject, parents);
    }

    private CrashSites sites(String... options) {
        List<String> words = new ArrayList<>(List.of("gcc", "-nostdlib", "-static", "-O1"));
        words.addAll(List.of(options));
        words.addAll(List.of("-Wl,-e,go", "-o", "vmlinux", "drivers/a.c", "other.c"));
        Command.of(words).in(tree).check();
        return new CrashSites(
                tree.resolve("vmlinux"), Optional.of(new SourceHistory(git, base, commit)));
    }

    /** As the kernel prints it: sizes are up to the next function. */
    private String frame(String function, int offset) {
        String line =
                Command.of("nm", "-S", tree.resolve("vmlinux").toString())
                        .output()
                        .lines()
                        .filter(each -> each.endsWith(" " + function))
                        .findFirst()
                        .orElseThrow();
        long size = Long.parseLong(line.split(" ", 3)[1], 16) + 5;
        return "%s+0x%x/0x%x".formatted(function, offset, size);
    }

    @Test
    void withDebugInfoThereAreLinesAndWhoWroteThem() {
        CrashSites sites = sites("-g", "-fno-inline");

        assertThat(sites.tell("", List.of(frame("twice", 0))).get(1))
                .matches("    drivers/a.c:1[01]"); // compilers differ in whose line the brace is
        assertThat(sites.tell("", List.of(frame("go", 6))))
                .containsExactly(
                        "  " + frame("go", 6),
                        "    drivers/a.c:16",
                        "      this line is of \"Double it\"");
    }

    @Test
    void withoutItTheFunctionTellsFileAndPatch() {
        CrashSites sites = sites("-fno-inline");

        assertThat(sites.tell("", List.of(frame("twice", 0), frame("go", 6), frame("other", 0))))
                .startsWith(
                        "  " + frame("twice", 0),
                        "    in drivers/a.c",
                        "  " + frame("go", 6),
                        "    in drivers/a.c",
                        "      last changed by \"Double it\"",
                        "  " + frame("other", 0))
                .last()
                .asString()
                .contains("CONFIG_DEBUG_INFO");
    }

    @Test
    void whatTheReportItselfNamesNeedsNoDebugInfo() {
        CrashSites sites = sites();

        assertThat(sites.tell("drivers/a.c:16", List.of()))
                .containsExactly("  drivers/a.c:16", "    this line is of \"Double it\"");
        assertThat(sites.tell("drivers/a.c:5", List.of())).containsExactly("  drivers/a.c:5");
        assertThat(sites.tell("no/such.c:5", List.of())).containsExactly("  no/such.c:5");
    }

    @Test
    void aModuleIsNotLookedUpInTheKernel() {
        assertThat(sites().tell("", List.of("go+0x1/0x10 [pfn_importer]")))
                .containsExactly("  go+0x1/0x10 [pfn_importer]");
    }

    @Test
    void ofFunctionsWithOneNameTheSizeDecides() {
        SymbolTable table =
                SymbolTable.parse(
                        """
                             1: 0000000000000000     0 FILE    LOCAL  DEFAULT  ABS a.c
                             2: ffffffff81000000   214 FUNC    LOCAL  DEFAULT    1 find
                             3: 0000000000000000     0 FILE    LOCAL  DEFAULT  ABS b.c
                             4: ffffffff81000100   314 FUNC    LOCAL  DEFAULT    1 find
                             5: ffffffff81000300   320 FUNC    LOCAL  DEFAULT    1 find
                             6: ffffffff81000500    20 FUNC    GLOBAL DEFAULT    1 get
                        """);

        assertThat(table.find("find", 0xe0))
                .contains(new SymbolTable.Symbol(0xffffffff81000000L, 214, "a.c"));
        assertThat(table.find("find", 0x150)).isEmpty(); // may be either of two
        assertThat(table.find("get", 0x20))
                .contains(new SymbolTable.Symbol(0xffffffff81000500L, 20, ""));
    }
}
