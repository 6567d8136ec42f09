// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SourceIdTest {
    @Test
    void readsWhatKernelAndQemuPrint() {
        assertThat(SourceId.parse("0000:01:1f.7")).isEqualTo(SourceId.of(1, 0x1f, 7));
        assertThat(SourceId.parse("00:01.00").value()).isEqualTo(8);
        assertThat(new SourceId(0x0108)).hasToString("01:01.0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "01:00", "01:20.0", "01:00.8", "1:0.0", "x"})
    void refusesOthers(String text) {
        assertThatThrownBy(() -> SourceId.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }
}
