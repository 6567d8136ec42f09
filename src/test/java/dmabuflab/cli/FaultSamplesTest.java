// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FaultSamplesTest {
    @Test
    void tellsTimesRatesAndRatiosOfEachRound() {
        FaultSamples samples = new FaultSamples("4 KiB");
        samples.add(10, 40, 10);
        samples.add(20, 20, 10);
        samples.add(30, 20, 60);

        assertThat(samples.toString().lines().map(line -> line.replaceAll(" +", " ").strip()))
                .containsExactly(
                        "4 KiB fault, dma-buf slot median 20.00 us min-max 10.00-30.00 us n=3"
                                + " 50000/s",
                        "4 KiB fault, mmap slot, fresh median 20.00 us min-max 20.00-40.00 us n=3"
                                + " 50000/s",
                        "4 KiB fault, mmap slot, touched median 10.00 us min-max 10.00-60.00 us"
                                + " n=3 100000/s",
                        "dma-buf's time / fresh mmap's median 1.00 x min-max 0.25-1.50 x n=3",
                        "dma-buf's time / touched mmap's median 1.00 x min-max 0.50-2.00 x n=3");
    }
}
