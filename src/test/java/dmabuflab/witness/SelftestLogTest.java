// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dmabuflab.witness.SelftestLog.Case;
import dmabuflab.witness.SelftestLog.Result;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SelftestLogTest {

    private static final String COMPLETE =
            """
            Using cdev device /dev/vfio/devices/vfio0
            TAP version 13
            1..4
            # Starting 4 tests from 2 test cases.
            #  RUN           vfio_cdev.bind ...
            #            OK  vfio_cdev.bind
            ok 1 vfio_cdev.bind
            #  RUN           irq.msi.trigger ...
            #      SKIP      MSI: not supported

            #            OK  irq.msi.trigger
            ok 2 irq.msi.trigger # SKIP MSI: not supported

            #  RUN           irq.msix.trigger ...
            enabled 4 interrupts
            # device.c:12:trigger:Expected 1 (1) == value (2)
            # trigger: Test terminated by assertion
            #          FAIL  irq.msix.trigger
            not ok 3 irq.msix.trigger
            #  RUN           irq.intx.trigger ...
            #            OK  irq.intx.trigger
            ok 4 irq.intx.trigger # XFAIL unknown
            # FAILED: 3 / 4 tests passed.
            # Totals: pass:1 fail:1 xfail:1 xpass:0 skip:1 error:0
            """;

    @Test
    void everyCaseWithItsReason() {
        SelftestLog log = SelftestLog.of(COMPLETE);

        assertThat(log.defects()).isEmpty();
        assertThat(log.plan()).hasValue(4);
        assertThat(log.skip()).isEmpty();
        assertThat(log.cases())
                .containsExactly(
                        new Case("vfio_cdev.bind", Result.PASSED, ""),
                        new Case("irq.msi.trigger", Result.SKIPPED, "MSI: not supported"),
                        new Case(
                                "irq.msix.trigger",
                                Result.FAILED,
                                "enabled 4 interrupts\n"
                                        + "# device.c:12:trigger:Expected 1 (1) == value (2)\n"
                                        + "# trigger: Test terminated by assertion"),
                        new Case("irq.intx.trigger", Result.XFAILED, "unknown"));
    }

    /** However much is missing at the end, it is noticed, and nothing is made up. */
    @Test
    void truncatedAnywhereIsNeverComplete() {
        String untilLastResult = COMPLETE.substring(0, COMPLETE.indexOf("ok 4"));
        SelftestLog whole = SelftestLog.of(COMPLETE);
        for (int length = 0; length < untilLastResult.length(); length++) {
            SelftestLog log = SelftestLog.of(COMPLETE.substring(0, length));
            boolean saidNothing = log.cases().isEmpty() && log.plan().isEmpty();
            assertThat(saidNothing || !log.defects().isEmpty())
                    .as("defects after %d characters", length)
                    .isTrue();
            assertThat(log.count(Result.FAILED)).isLessThanOrEqualTo(1);
            assertThat(log.cases().size()).isLessThanOrEqualTo(whole.cases().size());
        }
    }

    @Test
    void tellsTheLastWordsOfOneThatDied() {
        assertThat(
                        SelftestLog.of(
                                        """
                                        1..2
                                        ok 1 a
                                        #  RUN           b ...
                                        b.c:7: Assertion `x' failed.
                                        """)
                                .defects())
                .containsExactly(
                        "1 of 2 cases have ended; its last words: b.c:7: Assertion `x' failed.");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1..2\nok 1 a\nok 2 b\nok 3 c\n", // more than planned
                "1..1\n1..2\nok 1 a\nok 2 b\n", // two plans
                "ok 1 a\n", // none
                "1..2\nok 2 b\nok 1 a\n", // out of order
                "1..2\nok 1 a\nok 1 a\n", // one twice
                "1..2\nprinted without an end ok 1 a\nok 2 b\n",
                "1..1\nok 1 a\nBail out! no memory\n",
                "1..3\n",
            })
    void contradictionsAreDefects(String output) {
        assertThat(SelftestLog.of(output).defects()).isNotEmpty();
    }

    @Test
    void skipsItselfAsAWhole() {
        SelftestLog log = SelftestLog.of("1..0 # SKIP SR-IOV may not be supported by the PF: x\n");

        assertThat(log.skip()).isEqualTo("SR-IOV may not be supported by the PF: x");
        assertThat(log.cases()).isEmpty();
        assertThat(log.defects()).isEmpty();
    }

    @Test
    void aPlanOfNothingIsNoSkip() {
        assertThat(SelftestLog.of("TAP version 13\n1..0\n").skip()).isEmpty();
    }

    @Test
    void notOkIsAFailureWhateverTheDirective() {
        assertThat(
                        SelftestLog.of("1..3\nnot ok 1 a # SKIP x\nnot ok 2\nok 3 c # TIMEOUT\n")
                                .cases())
                .extracting(Case::name, Case::result)
                .containsExactly(
                        tuple("a", Result.FAILED),
                        tuple("case 2", Result.FAILED),
                        tuple("c", Result.FAILED));
    }

    @Test
    void helpersOfKselftestPutTheNameBehindTheDirective() {
        assertThat(SelftestLog.of("1..2\nok 1 # SKIP no huge pages\nok 2 name #  text\n").cases())
                .containsExactly(
                        new Case("no huge pages", Result.SKIPPED, "no huge pages"),
                        new Case("name", Result.PASSED, ""));
    }

    @Test
    void twoCasesOfOneNameStayTwo() {
        assertThat(SelftestLog.of("1..2\nok 1 a\nnot ok 2 a\n").cases())
                .extracting(Case::name)
                .containsExactly("a", "a (2)");
    }

    @Test
    void aFailureThatTalksALotIsCut() {
        String talk = "noise\n".repeat(10_000);
        SelftestLog log = SelftestLog.of("1..1\n" + talk + "the reason\nnot ok 1 a\n");
        assertThat(log.cases().get(0).reason()).hasLineCount(40).endsWith("the reason");
    }

    @Test
    void garbageIsNeverAnException() {
        Random random = new Random(4711);
        String alphabet = "ok not 123456789.#\n\r SKIP\u0000\ufffd1..2\n";
        for (int round = 0; round < 2000; round++) {
            StringBuilder garbage = new StringBuilder();
            for (int i = 0; i < 200; i++) {
                garbage.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            SelftestLog log = SelftestLog.of(garbage.toString());
            assertThat(log.cases().isEmpty() || log.plan().isPresent() || !log.defects().isEmpty())
                    .isTrue();
        }
        assertThat(SelftestLog.of("1..99999999999999\nok 99999999999 a\n").defects()).isNotEmpty();
    }
}
