// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ShellScriptTest {
    @Test
    void writesOneOptionALine() {
        assertThat(ShellScript.of(List.of("qemu", "-m", "1G", "-append", "a -b")))
                .isEqualTo("#!/bin/sh\nexec qemu \\\n  -m 1G \\\n  -append 'a -b'\n");
    }

    @Test
    void quotesWhatTheShellWouldRead() {
        assertThat(ShellScript.quote("it's")).isEqualTo("'it'\\''s'");
        assertThat(ShellScript.quote("plain,id=x")).isEqualTo("plain,id=x");
        assertThat(ShellScript.quote("")).isEqualTo("''");
    }
}
