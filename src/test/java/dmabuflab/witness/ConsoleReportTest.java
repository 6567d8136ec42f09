// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.witness.ConsoleFinding.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConsoleReportTest {
    /** Log, then kind and function of every finding expected, in order. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // Recorded from Linux 7.3.4.
                "oops-null | NULL_DEREFERENCE importer_deref",
                "oops-page-fault | PAGE_FAULT importer_deref",
                "oops-gpf | GENERAL_PROTECTION importer_deref",
                "bug | BUG go",
                "refcount | REFCOUNT importer_ref, REFCOUNT importer_ref",
                "warning-message | WARNING exporter_revoke_msg, WARNING exporter_revoke_msg",
                "warning-twice | WARNING exporter_revoke, WARNING exporter_revoke",
                "panic-sysrq | PANIC sysrq_handle_crash",
                "init-died | INIT do_exit",
                "no-root | INIT mount_root_generic",
                "scheduling-atomic | ATOMIC_SLEEP sched_atomic, WARNING do_one_initcall,"
                        + " ATOMIC_SLEEP sched_atomic, WARNING do_one_initcall",
                "rcu-stall | RCU_STALL spin_rcu",
                // Recorded from it with KASAN, KCSAN, lockdep and the like.
                "kcsan | DATA_RACE dma_buf_get_pfn_unlocked",
                "kasan-uaf | KASAN uaf",
                "kasan-null-oops | KASAN importer_deref, NULL_DEREFERENCE importer_deref",
                "lockdep-circular | LOCKDEP lock_ba",
                "lockdep-recursive | LOCKDEP lock_aa, HUNG_TASK lock_aa",
                "lockdep-irq | LOCKDEP tfn",
                "rcu-usage | RCU_USAGE rcu_bad, RCU_USAGE rcu_bad",
                "sleep-atomic | ATOMIC_SLEEP sleep_atomic, LOCKDEP sleep_atomic",
                "list-corruption-warning | LIST_CORRUPTION importer_list,"
                        + " LIST_CORRUPTION importer_list",
                "hung-task | HUNG_TASK go, HUNG_TASK thr",
                // After the source of Linux 7.3.4.
                "kasan-null | GENERAL_PROTECTION dma_buf_get_pfn",
                "lockdep-full | LOCKDEP -",
                "ubsan | UBSAN vfio_pci_dma_buf_find_range",
                "kmemleak | KMEMLEAK -",
                "soft-lockup | SOFT_LOCKUP importer_spin",
                "hard-lockup | HARD_LOCKUP dma_fence_signal",
                "list-corruption | LIST_CORRUPTION dma_buf_detach",
                "bad-page | BAD_PAGE release_udmabuf",
                "slab | SLAB -",
                "jump-to-null | NULL_DEREFERENCE dma_buf_get_pfn",
                "stack-protector | PANIC pfn_importer_ioctl",
                // As kernels before 6.10 print it.
                "old-style | WARNING dma_buf_detach, GENERAL_PROTECTION dma_buf_put,"
                        + " OOPS dma_buf_get",
            })
    void findsAndNames(String log, String expected) throws IOException {
        assertThat(read(log)).as("whole").isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"harmless-boot", "harmless-lines", "fault-injection"})
    void leavesHarmlessLinesAlone(String log) throws IOException {
        assertThat(findings(bytes(log))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"warning-twice", "kasan-uaf", "lockdep-circular", "scheduling-atomic"})
    void piecesMakeNoDifference(String log) throws IOException {
        byte[] stream =
                new String(bytes(log), StandardCharsets.UTF_8)
                        .replace("\n", "\r\n")
                        .getBytes(StandardCharsets.UTF_8);
        List<ConsoleFinding> whole = findings(bytes(log));
        Random random = new Random(1);
        ConsoleReport report = new ConsoleReport();
        for (int at = 0; at < stream.length; ) {
            int n = Math.min(1 + random.nextInt(30), stream.length - at);
            report.accept(stream, at, n);
            at += n;
        }
        assertThat(report.findings()).isEqualTo(whole);
    }

    @Test
    void aFindingIsThereBeforeItIsComplete() {
        ConsoleReport report = new ConsoleReport();
        feed(report, "[    1.000000] BUG: kernel NULL pointer dereference, addr");
        assertThat(report.findings()).isEmpty();
        feed(report, "ess: 0\n");
        assertThat(report.findings())
                .singleElement()
                .hasToString(
                        "null pointer dereference: BUG: kernel NULL pointer dereference,"
                                + " address: 0");
        feed(report, "[    1.000001] RIP: 0010:dma_buf_put+0x1/0x2\n");
        assertThat(report.findings().get(0).function()).isEqualTo("dma_buf_put");
    }

    @Test
    void theLastLineCountsWithoutItsEnd() {
        ConsoleReport report = new ConsoleReport();
        feed(report, "[    1.000000] Kernel panic - not syncing: out of memory");
        report.finish();
        assertThat(report.findings()).extracting(ConsoleFinding::kind).containsExactly(Kind.PANIC);
    }

    @Test
    void keepsTheReportAndItsPlace() throws IOException {
        ConsoleFinding warning = findings(bytes("warning-message")).get(0);
        assertThat(warning.title())
                .isEqualTo(
                        "dma-buf 3 revoked twice (WARNING: breakit.c:18 at"
                                + " exporter_revoke_msg.constprop.0+0x10/0x20 [breakit],"
                                + " CPU#0: busybox/55)");
        assertThat(warning.firstLine()).isEqualTo(2);
        assertThat(warning.excerpt().get(0)).endsWith("[ cut here ]------------");
        assertThat(warning.excerpt().get(2)).contains("WARNING: breakit.c:18");
        assertThat(warning.excerpt()).last().asString().contains("---[ end trace");

        ConsoleFinding lockdep = findings(bytes("lockdep-circular")).get(0);
        assertThat(lockdep.excerpt()).last().asString().endsWith(" </TASK>");
    }

    @Test
    void tellsWhereInTheSource() throws IOException {
        ConsoleFinding warning = findings(bytes("warning-message")).get(0);
        assertThat(warning.site()).isEqualTo("breakit.c:18");
        assertThat(warning.frames().get(0))
                .isEqualTo("exporter_revoke_msg.constprop.0+0x15/0x20 [breakit]");

        ConsoleFinding oops = findings(bytes("oops-null")).get(0);
        assertThat(oops.site()).isEmpty();
        assertThat(oops.frames())
                .hasSizeBetween(2, 8)
                .doesNotHaveDuplicates()
                .allMatch(frame -> frame.matches("\\w\\S*\\+0x\\w+/0x\\w+( \\[\\w+\\])?"))
                .first()
                .asString()
                .startsWith("importer_deref");
    }

    @Test
    void aFloodOfWarningsIsCut() {
        ConsoleReport report = new ConsoleReport();
        byte[] warning =
                ("[    1.000000] WARNING: a.c:1 at f+0x1/0x2, CPU#0: x/1\n" + "x\n".repeat(500))
                        .getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < 1000; i++) {
            report.accept(warning);
        }
        assertThat(report.findings()).hasSize(100);
        assertThat(report.findings()).allMatch(finding -> finding.excerpt().size() <= 200);
    }

    private static void feed(ConsoleReport report, String text) {
        report.accept(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String read(String log) throws IOException {
        return String.join(
                ", ",
                findings(bytes(log)).stream()
                        .map(f -> f.kind() + " " + (f.function().isEmpty() ? "-" : f.function()))
                        .toList());
    }

    private static List<ConsoleFinding> findings(byte[] console) {
        ConsoleReport report = new ConsoleReport();
        report.accept(console);
        report.finish();
        return report.findings();
    }

    private static byte[] bytes(String log) throws IOException {
        try (InputStream in =
                ConsoleReportTest.class.getResourceAsStream("console/" + log + ".log")) {
            return in.readAllBytes();
        }
    }
}
