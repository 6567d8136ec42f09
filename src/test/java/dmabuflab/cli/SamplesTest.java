// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SamplesTest {
    private static Samples of(String what, double... seconds) {
        Samples samples = new Samples(what);
        for (double s : seconds) {
            samples.add(s);
        }
        return samples;
    }

    @Test
    void tellsMedianAndSpread() {
        assertThat(of("boot", 3, 1, 2).toString())
                .contains("boot")
                .contains("median    2.00 s")
                .contains("min-max 1.00-3.00 s")
                .contains("n=3");
        assertThat(of("boot", 1, 2).median()).isEqualTo(1.5);
    }

    @Test
    void ratioSaysHowManyTimesFasterThanTheOther() {
        assertThat(of("restore", 0.5).against(of("boot", 2))).endsWith("x4.0");
    }
}
