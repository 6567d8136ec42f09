// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import org.junit.jupiter.api.Test;

class MemoryUseTest {
    /** Two zones with memory and one without, as the kernel prints them, cut short. */
    private static final String ZONES =
            """
            Node 0, zone      DMA
              per-node stats
                  nr_inactive_anon 3
                  nr_slab_reclaimable 40
                  nr_slab_unreclaimable 60
                  nr_anon_pages 100
              pages free     1000
                    boost    0
                    present  4000
                    managed  3000
                  nr_free_pages 1000
                  nr_free_pages_blocks 512
              pagesets
                cpu: 0
                          count:    7
                          high:     8
                vm stats threshold: 2
            Node 0, zone    DMA32
              pages free     20000
                    managed  50000
                  nr_free_pages 20000
                  nr_free_pages_blocks 19000
              pagesets
                cpu: 0
                          count:    200
                          high:     300
                cpu: 1
                          count:    1000
                          high:     1400
            Node 0, zone  Movable
              pages free     0
                    managed  0
            """;

    @Test
    void pagesThatCpusKeepAreFreeAndProcessesDoNotCount() {
        MemoryUse use = MemoryUse.parse(ZONES);

        assertThat(use.slab()).isEqualTo(100 * 4096);
        assertThat(use.total()).isEqualTo((53000 - 21000 - 1207 - 100) * 4096L);
    }

    @Test
    void whatIsTakenIsADifference() {
        assertThat(new MemoryUse(5, 70).since(new MemoryUse(7, 30)))
                .isEqualTo(new MemoryUse(-2, 40));
    }

    @Test
    void anotherFormatIsNotZero() {
        assertThatThrownBy(() -> MemoryUse.parse(ZONES.replace("count:", "pages:")))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("count:");
    }
}
