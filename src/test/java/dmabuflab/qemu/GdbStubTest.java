// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import dmabuflab.qemu.GdbStub.Register;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GdbStubTest {
    private static final Duration SOON = Duration.ofMillis(50);

    @TempDir Path directory;
    private final List<String> said = new ArrayList<>();
    private Peer qemu;
    private GdbStub stub;

    @BeforeEach
    void connect() throws IOException {
        qemu = new Peer(directory);
        qemu.says("+$PacketSize=1000#00");
        stub = new GdbStub(qemu.socket(), SOON, said::add);
        said.clear();
    }

    @AfterEach
    void disconnect() throws IOException {
        stub.close();
        qemu.close();
    }

    @Test
    void packetsHaveAFrameAndASum() throws IOException {
        qemu.says("+$OK#9a");
        stub.insert(0xffffffff81000000L);
        stub.close();

        assertThat(qemu.hears()).endsWith("+$Z0,ffffffff81000000,1#cc+");
        assertThat(said).containsExactly("> Z0,ffffffff81000000,1", "< OK");
    }

    @Test
    void someCpusRunUntilOneStops() throws IOException {
        stub.resume(List.of(1, 11));
        assertThat(stub.awaitStop(SOON)).as("while they run").isEmpty();
        qemu.says("+$T05thread:0b;#00");
        assertThat(stub.awaitStop(SOON)).contains(11);

        assertThat(said).containsExactly("> vCont;c:1;c:b", "< T05thread:0b;");
    }

    @Test
    void registersAreInTheByteOrderOfX86() throws IOException {
        String zero = "0".repeat(16);
        String registers =
                "f2ffffff00000000" + zero.repeat(6) + "08a0000000c9ffff" + zero.repeat(8);
        qemu.says("+$OK#9a+$" + registers + "302f0381ffffffff" + zero + "#00");
        assertThat(stub.register(2, Register.RIP)).isEqualTo(0xffffffff81032f30L);
        qemu.says("+$OK#9a+$" + registers + zero + zero + "#00");
        assertThat(stub.register(2, Register.RSP)).isEqualTo(0xffffc9000000a008L);
        qemu.says("+$OK#9a+$" + registers + zero + zero + "#00");
        assertThat((int) stub.register(2, Register.RAX)).isEqualTo(-14);
        qemu.says("+$OK#9a+$2a00000000000000#00");
        assertThat(stub.memory(2, 0x1000)).isEqualTo(42);
        assertThat(said).contains("> Hg2", "> g", "> m1000,8");
    }

    @Test
    void cpusAreCounted() throws IOException {
        qemu.says("+$m01,02#00+$m03#00+$l#6c");
        assertThat(stub.cpus()).isEqualTo(3);
    }

    @Test
    void whatItRefusesIsToldWithTheRequest() throws IOException {
        qemu.says("+$#00");
        assertThatThrownBy(() -> stub.insert(0x1000))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("Z0,1000,1: not supported");
        qemu.says("+$OK#9a+$E14#00");
        assertThatThrownBy(() -> stub.memory(1, 0)).hasMessageContaining("eight bytes: E14");
        assertThatThrownBy(() -> stub.step(1)).hasMessageContaining("nothing for a step");
    }

    @Test
    void anEndIsNoAnswer() throws IOException {
        qemu.close();
        assertThatThrownBy(() -> stub.cpus())
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("lost QEMU's gdbstub");
    }
}
