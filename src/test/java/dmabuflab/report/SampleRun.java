// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A run in which everything happened once. */
final class SampleRun {
    private static final Instant START = Instant.parse("2026-05-04T03:02:01.5Z");

    private SampleRun() {}

    static RunResult in(Path report) {
        Map<String, String> environment = new LinkedHashMap<>();
        environment.put("kernel", "7.3.4 0123abcd");
        environment.put("accelerator", "tcg, /dev/kvm does not open");
        return new RunResult(
                START,
                Duration.ofMillis(61_500),
                environment,
                List.of(
                        scenario(
                                "KUnit.suite[dma_buf #1]",
                                List.of(),
                                Outcome.HUNG,
                                "no answer for 12 s",
                                12_000,
                                null),
                        scenario(
                                "Query.everyPage",
                                List.of("PQ1", "PQ4", "PQ5", "RV1"),
                                Outcome.PASSED,
                                "",
                                500,
                                report),
                        scenario(
                                "Query.hole[MSI-X]",
                                List.of("PQ5"),
                                Outcome.PASSED,
                                "",
                                500,
                                report),
                        scenario(
                                "Query.range",
                                List.of(),
                                Outcome.INFRASTRUCTURE,
                                "QEMU is gone: killed\nlook into qemu.log",
                                500,
                                report),
                        scenario(
                                "Revoke.byMemoryEnable",
                                List.of("RV1", "RV2"),
                                Outcome.FAILED,
                                "[page 3]\nexpected: \"ENODEV\"\n but was: \"\"",
                                500,
                                report),
                        scenario(
                                "Revoke.byReset",
                                List.of("RV1"),
                                Outcome.CRASHED,
                                "BUG: kernel NULL pointer dereference, address: 0000000000000010\n"
                                        + "[    1.0] RIP: 0010:dma_buf_put+0x1/0x2",
                                500,
                                report),
                        scenario(
                                "Revoke.byUnplug",
                                List.of("UR4"),
                                Outcome.SKIPPED,
                                "needs a kernel with CONFIG_HOTPLUG_PCI",
                                500,
                                report)),
                report);
    }

    static ScenarioResult scenario(
            String id,
            List<String> rules,
            Outcome outcome,
            String message,
            long milliseconds,
            Path report) {
        return new ScenarioResult(
                id,
                "what " + id + " shows",
                rules,
                outcome,
                message,
                message.isEmpty() ? "" : "at <code> & \u0000\u001b[31mnoise\ud800",
                START.plusSeconds(1),
                Duration.ofMillis(milliseconds),
                report == null ? "" : "restored",
                report == null ? null : report.resolve(ReportDirectory.folderName(id)),
                Map.of("hardware", List.of("0x1000 -> 0xfe000000", "nothing else")),
                "./lab run '" + id.replaceFirst("\\[.*", "") + "'",
                null,
                null);
    }

    static ScenarioResult asPartOf(String scenario, ScenarioResult result) {
        return copy(result, result.cell(), scenario);
    }

    static ScenarioResult with(Cell cell, ScenarioResult result) {
        return copy(result, cell, result.partOf());
    }

    private static ScenarioResult copy(ScenarioResult result, Cell cell, String partOf) {
        return new ScenarioResult(
                result.id(),
                result.title(),
                result.rules(),
                result.outcome(),
                result.message(),
                result.details(),
                result.started(),
                result.duration(),
                result.boot(),
                result.directory(),
                result.witnesses(),
                result.rerun(),
                cell,
                partOf);
    }

    static String resource(String name) throws IOException {
        try (InputStream in = SampleRun.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
