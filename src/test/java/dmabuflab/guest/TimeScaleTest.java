// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class TimeScaleTest {
    @Test
    void aSlowGuestGetsMoreTimeAndAFastOneNotLess() {
        TimeScale usual = new TimeScale(1);

        assertThat(usual.measuredBy(Duration.ofSeconds(25)).factor()).isEqualTo(10);
        assertThat(usual.measuredBy(Duration.ofMillis(200)).factor()).isEqualTo(1);
    }

    @Test
    void theUsersFactorMultiplies() {
        TimeScale doubled = new TimeScale(2).measuredBy(Duration.ofSeconds(5));

        assertThat(doubled.silence()).isEqualTo(new TimeScale(1).silence().multipliedBy(4));
    }

    @Test
    void factorsBelowOrAtZeroAreRefused() {
        assertThatThrownBy(() -> new TimeScale(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new TimeScale(Double.NaN))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
