// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.guest.Schedule.Point;
import dmabuflab.host.InfrastructureException;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScheduleTest {
    @Test
    void aLineIsAPoint() {
        Schedule schedule =
                Schedule.parse(
                        "s",
                        """
                        # an order
                        dma_buf_get_pfn_unlocked returns 0   # has its PFN

                          vfio_pci_dma_buf_move
                        read.cold\treturns  -14
                        kvm_tdp_page_fault returns
                        """);

        assertThat(schedule.points())
                .containsExactly(
                        new Point("dma_buf_get_pfn_unlocked", true, OptionalInt.of(0)),
                        new Point("vfio_pci_dma_buf_move", false, OptionalInt.empty()),
                        new Point("read.cold", true, OptionalInt.of(-14)),
                        new Point("kvm_tdp_page_fault", true, OptionalInt.empty()));
        assertThat(schedule.points().get(2)).hasToString("read.cold returns -14");
    }

    @ParameterizedTest
    @CsvSource({
        "a returns twice, no point: a returns twice",
        "a 0, no point: a 0",
        "a returns 99999999999, not what a C int can be",
    })
    void aLineThatIsNone(String line, String why) {
        assertThatThrownBy(() -> Schedule.parse("s", "b\n" + line + "\n"))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("s:2")
                .hasMessageContaining(why)
                .hasMessageContaining("FUNCTION returns");
    }

    @Test
    void onePointIsNoOrder() {
        assertThatThrownBy(() -> Schedule.parse("s", "a\n")).hasMessageContaining("no order");
        assertThatThrownBy(() -> Schedule.read(Path.of("no/such"))).hasMessageContaining("no/such");
    }
}
