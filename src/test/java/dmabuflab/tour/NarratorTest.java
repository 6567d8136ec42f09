// SPDX-License-Identifier: Apache-2.0
package dmabuflab.tour;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.scenario.ScenarioRunner;
import dmabuflab.scenario.Selection;
import dmabuflab.scenario.Witness;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class NarratorTest {
    private final StringWriter told = new StringWriter();
    private final Narrator narrator = new Narrator(new PrintWriter(told), null);

    @Test
    void whatIsSeenIsToldWithItsWitness() {
        narrator.see(Witness.MEMORY, "the file has %s", "0x1", "0x1");
        narrator.see(Witness.HARDWARE, "flushed", true);
        narrator.agree("page 3 is at PFN %s", "0x9", "0x9");

        assertThat(told)
                .hasToString(
                        """
                          memory          the file has 0x1
                          hardware        flushed: yes
                          kernel answer   page 3 is at PFN 0x9
                          hardware        page 3 is at PFN 0x9
                        """);
    }

    @Test
    void whatIsNotAsExplainedEndsIt() {
        assertThatThrownBy(() -> narrator.see(Witness.MEMORY, "the file has %s", "0x1", "0x2"))
                .isInstanceOf(AssertionError.class)
                .hasMessage("memory: the file has 0x1\nas explained: the file has 0x2");
        assertThatThrownBy(() -> narrator.see(Witness.HARDWARE, "flushed", false))
                .hasMessage("hardware: flushed: no\nas explained: flushed: yes");
        assertThatThrownBy(() -> narrator.agree("page 3 is at PFN %s", "0x9", "0x8"))
                .hasMessage("page 3 is at PFN 0x9 by the kernel's answer, but 0x8 by the hardware");
        assertThat(told.toString()).contains("memory          the file has 0x1\n");
    }

    @Test
    void longCommandsAreBrokenAsAShellTakesThem() {
        narrator.done("vfio.command dev=card memory=0");
        narrator.done("rdma.connect qp=from remote_qpn=18 remote_gid=::ffff:10.0.0.1 psn=1048576");

        assertThat(told)
                .hasToString(
                        """
                          guest:/# labctl vfio.command dev=card memory=0
                          guest:/# labctl rdma.connect qp=from remote_qpn=18 \\
                              remote_gid=::ffff:10.0.0.1 psn=1048576
                        """);
    }

    @Test
    void whatToTryNextIsThere() {
        List<String> selectors = Tour.selectors();

        assertThat(selectors).isNotEmpty();
        assertThat(new Selection(selectors).unmatched(ScenarioRunner.list())).isEmpty();
    }
}
