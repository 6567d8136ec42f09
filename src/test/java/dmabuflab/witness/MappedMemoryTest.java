// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MappedMemoryTest {
    private static final long GIB = 1L << 30;

    @TempDir Path directory;
    private Path file;

    @BeforeEach
    void createFile() {
        file = directory.resolve("ram");
    }

    @Test
    void sharesTheFile() throws IOException {
        Files.write(file, new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 0});
        try (MappedMemory memory = MappedMemory.of(file, 16)) {
            assertThat(memory.size()).isEqualTo(16);
            assertThat(memory.readLong(0)).isEqualTo(0x0807060504030201L);
            assertThat(memory.readLong(3)).isEqualTo(0x0b0a090807060504L);
            assertThat(memory.read(9, 3)).containsExactly(10, 11, 12);

            memory.writeLong(8, 0x1122334455667788L);
            memory.write(0, new byte[] {42});
            memory.writeLong(1, -1);
            assertThat(Files.readAllBytes(file))
                    .containsExactly(
                            42, -1, -1, -1, -1, -1, -1, -1, -1, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22,
                            0x11);
        }
    }

    @Test
    void crossesSegments() throws IOException {
        sparse(2 * GIB + 4096);
        try (MappedMemory memory = MappedMemory.of(file, 2 * GIB + 4096)) {
            byte[] bytes = {1, 2, 3, 4, 5, 6, 7, 8};
            memory.write(GIB - 3, bytes);
            assertThat(memory.read(GIB - 3, 8)).isEqualTo(bytes);
            assertThat(memory.readLong(GIB - 3)).isEqualTo(0x0807060504030201L);
            memory.writeLong(2 * GIB + 4088, 7);
            assertThat(memory.readLong(2 * GIB + 4088)).isEqualTo(7);
        }
    }

    @Test
    void refusesWhatIsOutside() throws IOException {
        sparse(4096);
        try (MappedMemory memory = MappedMemory.of(file, 4096)) {
            assertThatThrownBy(() -> memory.readLong(4089))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessageContaining("0xff9+0x8 is outside");
            assertThatThrownBy(() -> memory.readLong(-8))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> memory.read(Long.MAX_VALUE - 7, 8))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void closedMemoryIsUnmapped() throws IOException {
        sparse(4096);
        MappedMemory memory = MappedMemory.of(file, 4096);
        assertThat(Files.readString(Path.of("/proc/self/maps"))).contains(file.toString());
        memory.close();
        memory.close();
        assertThat(Files.readString(Path.of("/proc/self/maps"))).doesNotContain(file.toString());
        assertThatThrownBy(() -> memory.readLong(0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void doesNotGrowTheFile() throws IOException {
        sparse(4096);
        assertThatThrownBy(() -> MappedMemory.of(file, 8192))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("it has 4096 bytes, expected 8192");
        assertThat(file).hasSize(4096);
    }

    private void sparse(long size) throws IOException {
        try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
            f.setLength(size);
        }
    }
}
