// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class GuestRamTest {
    @Test
    void saysWhyThereIsNoGuestMemory() {
        assertThatThrownBy(() -> GuestRam.memfd(Path.of("/proc/self/fd"), 12345))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("0 memfds of 12345 bytes");
    }

    @Test
    void saysThatQemuHasGone() {
        assertThatThrownBy(() -> GuestRam.memfd(Path.of("/proc/self/gone"), 4096))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("check that QEMU still runs");
    }
}
