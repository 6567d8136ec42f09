// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Set;

/** Writes a run into all formats. */
public final class ReportWriters {
    static final String JSON = "results.json";
    static final String KTAP = "results.ktap";
    static final String JUNIT = "junit.xml";
    static final String KCIDB = "kcidb.json";
    static final String RULES = "rules.txt";
    static final String PAGE = "report.html";
    static final String FRONT = "report.md";

    /** Everything at the top of a report. */
    static final List<String> FILES = List.of(FRONT, PAGE, JSON, KTAP, JUNIT, KCIDB, RULES);

    private ReportWriters() {}

    /**
     * Writes report.md, report.html, junit.xml, results.ktap, results.json, kcidb.json and
     * rules.txt into the run's directory. A reader sees each of them whole or not at all, whenever
     * this process ends.
     *
     * @param contract all rules, whether scenarios of the run prove them or not
     * @throws InfrastructureException when one cannot be written
     */
    public static void write(RunResult result, List<Rule> contract) {
        writeForCi(result, Set.of());
        replace(result.directory().resolve(JSON), ResultsJson.of(result));
        replace(result.directory().resolve(KCIDB), KcidbRun.of(result));
        replace(result.directory().resolve(RULES), RulesTable.of(result));
        replace(result.directory().resolve(PAGE), RunPage.of(result));
        replace(result.directory().resolve(FRONT), FrontPage.of(result, contract));
    }

    /**
     * Writes only what CI servers and kernel test tools read: junit.xml and results.ktap.
     *
     * @param expectedRed ids of scenarios that may be red without anything being at fault
     * @throws InfrastructureException when one cannot be written
     */
    public static void writeForCi(RunResult result, Set<String> expectedRed) {
        replace(result.directory().resolve(JUNIT), JunitXml.of(result, expectedRed));
        replace(result.directory().resolve(KTAP), Ktap.of(result, expectedRed));
    }

    /**
     * Writes a file, so that a reader sees it whole or not at all.
     *
     * @throws InfrastructureException when it cannot be written
     */
    public static void replace(Path file, String content) {
        Path fresh = file.resolveSibling("." + file.getFileName() + ".part");
        try {
            try {
                // Unlike writeString, this has no quarrel with half characters from a console.
                Files.write(fresh, content.getBytes(StandardCharsets.UTF_8));
                Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(fresh);
            }
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot write " + file,
                    e.toString(),
                    "is the disk full, or the directory gone?",
                    e);
        }
    }
}
