// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelLineTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "[    0.000000] Linux|Linux",
                "[12345.678901]  frame+0x1/0x2| frame+0x1/0x2",
                "[   12.345678][   T12] hello|hello",
                "[   12.345678][    C0] hello|hello",
                "[   12.345678][T123456] hello|hello",
                "<4>[    1.000000] hello|hello",
                "<4>hello|hello",
                "~ # [    1.000000] hello|hello",
                "\u001b[0;31m[    1.000000] hello\u001b[m|hello",
                "[   12.345678] value [   13.000000] kept|value [   13.000000] kept",
                "hello [T12]|hello [T12]",
            })
    void stripsThePrefix(String line, String message) {
        assertThat(KernelLine.message(line)).isEqualTo(message);
    }

    @Test
    void aLineWhoseEndWasLostHidesNothing() {
        assertThat(KernelLine.split("[   12.345678] boot ends[   13.000000] BUG: the next"))
                .containsExactly("[   12.345678] boot ends", "[   13.000000] BUG: the next");
        assertThat(KernelLine.split("[   12.345678][   T12] one")).hasSize(1);
        assertThat(KernelLine.split("~ # ")).containsExactly("~ # ");
        assertThat(KernelLine.split("")).containsExactly("");
    }
}
