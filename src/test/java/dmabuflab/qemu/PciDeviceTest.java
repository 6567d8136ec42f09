// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PciDeviceTest {
    private static final String BEHIND_BRIDGE =
            "{\"return\":[{\"bus\":0,\"devices\":[{\"qdev_id\":\"slot1\",\"bus\":0,\"slot\":16,"
                    + "\"function\":0,\"regions\":[],\"pci_bridge\":{\"devices\":["
                    + "{\"qdev_id\":\"iv\",\"bus\":1,\"slot\":0,\"function\":2,"
                    + "\"id\":{\"vendor\":6900,\"device\":4368},\"regions\":["
                    + "{\"bar\":0,\"type\":\"memory\",\"address\":-1,\"size\":256},"
                    + "{\"bar\":1,\"type\":\"io\",\"address\":4096,\"size\":64},"
                    + "{\"bar\":2,\"type\":\"memory\",\"address\":38654705664,\"size\":16777216}"
                    + "]}]}}]}]}\n";

    @TempDir Path directory;
    private Peer qemu;
    private Qmp qmp;

    @BeforeEach
    void connect() throws IOException {
        qemu = new Peer(directory);
        qemu.says("{\"QMP\":{}}\n{\"return\":{}}\n");
        qmp = new Qmp(new JsonLines("test", qemu.socket(), line -> {}), Duration.ofSeconds(5));
    }

    @Test
    void findsADeviceBehindABridgeWithItsDecodedMemory() throws IOException {
        qemu.says(BEHIND_BRIDGE);

        PciDevice device = PciDevice.find(qmp, "iv");

        assertThat(device.bdf()).isEqualTo("0000:01:00.2");
        assertThat(device.vendor()).isEqualTo(0x1af4);
        assertThat(device.bars()).isEqualTo(Map.of(2, new PciDevice.Bar(38654705664L, 16777216)));
    }

    @Test
    void aDeviceThatWasNotPluggedIsNamed() throws IOException {
        qemu.says(BEHIND_BRIDGE);

        assertThatThrownBy(() -> PciDevice.find(qmp, "edu")).hasMessageContaining("edu");
    }
}
