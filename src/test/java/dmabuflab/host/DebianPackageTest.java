// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class DebianPackageTest {

    @Test
    void everyTestOfTheListIsUnderstood() {
        assertThat(DebianPackage.all())
                .hasSizeGreaterThan(10)
                .allSatisfy(
                        each -> {
                            assertThat(each.isPresent()).isIn(true, false);
                            assertThat(each.why()).isNotBlank();
                        });
    }

    @Test
    void tellsWhatIsThere() {
        assertThat(new DebianPackage("dash", "cmd:sh", "").isPresent()).isTrue();
        assertThat(new DebianPackage("x", "cmd:no-such-program", "").isPresent()).isFalse();
        assertThat(new DebianPackage("x", "file:/etc/passwd", "").isPresent()).isTrue();
        assertThat(new DebianPackage("x", "file:/no/such/file", "").isPresent()).isFalse();
        assertThat(new DebianPackage("x", "jdk:17", "").isPresent()).isTrue();
        assertThat(new DebianPackage("x", "jdk:1000", "").isPresent()).isFalse();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DebianPackage("x", "moon:full", "").isPresent());
    }
}
