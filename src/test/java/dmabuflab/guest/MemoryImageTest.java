// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryImageTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 500;

    @TempDir Path directory;

    private Path memory(byte[] content) throws IOException {
        return Files.write(directory.resolve("memory"), content);
    }

    private byte[] loaded(Path image) throws IOException {
        Path fresh = directory.resolve("fresh");
        Files.deleteIfExists(fresh);
        try (RandomAccessFile file = new RandomAccessFile(fresh.toFile(), "rw")) {
            file.setLength((long) PAGES * PAGE);
        }
        MemoryImage.load(image, fresh);
        return Files.readAllBytes(fresh);
    }

    @Test
    void everyByteComesBack() throws IOException {
        Random random = new Random(7);
        for (int round = 0; round < 20; round++) {
            byte[] content = new byte[PAGES * PAGE];
            for (int run = random.nextInt(30); run > 0; run--) {
                content[random.nextInt(content.length)] = (byte) (1 + random.nextInt(255));
            }
            Path image = directory.resolve("image");

            MemoryImage.save(memory(content), image);

            assertThat(Arrays.equals(loaded(image), content)).as("round %d", round).isTrue();
        }
    }

    @Test
    void firstAndLastPageCount() throws IOException {
        byte[] content = new byte[PAGES * PAGE];
        content[0] = 1;
        content[content.length - 1] = 2;
        Path image = directory.resolve("image");

        MemoryImage.save(memory(content), image);

        assertThat(loaded(image)).isEqualTo(content);
        assertThat(Files.size(image)).isLessThan(4 * PAGE);
    }

    @Test
    void aTruncatedImageIsAnError() throws IOException {
        byte[] content = new byte[PAGES * PAGE];
        Arrays.fill(content, (byte) 5);
        Path image = directory.resolve("image");
        MemoryImage.save(memory(content), image);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(file.length() / 2);
        }

        assertThatThrownBy(() -> loaded(image)).hasMessageContaining("cut short");
    }
}
