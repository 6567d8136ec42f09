// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.witness.BarFile.Range;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BarFileTest {
    private static final int SIZE = 1 << 20;

    @TempDir Path directory;
    private BarFile bar;

    @BeforeEach
    void create() throws IOException {
        Path file = directory.resolve("bar");
        Files.write(file, new byte[SIZE]);
        bar = new BarFile(file, SIZE, 5);
    }

    @AfterEach
    void close() {
        bar.close();
    }

    @Test
    void everyWordTellsWhereItBelongs() {
        bar.fill();
        assertThat(bar.readLong(0)).isEqualTo(0x0005_0000_0000_0000L);
        assertThat(bar.readLong(0x12348)).isEqualTo(BarFile.word(5, 0x12348));
        assertThat(BarFile.describe(bar.readLong(0x12348))).isEqualTo("BAR 5 offset 0x12348");
        assertThat(BarFile.describe(0x12348)).contains("not of a BAR's pattern");
        assertThat(bar.read(SIZE - 16, 16)).isEqualTo(bar.pattern(SIZE - 16, 16));
    }

    @Test
    void nothingChangedIsSeenAsNothing() {
        bar.fill();
        assertThat(bar.changedRanges(bar.snapshot())).isEmpty();
    }

    @Test
    void copiesAreFoundExactly() {
        bar.fill();
        BarFile.Snapshot before = bar.snapshot();
        bar.write(0x8000, bar.read(0x1000, 0x200));
        bar.write(0xfff8, bar.read(0, 16)); // across the comparison's own steps
        bar.write(SIZE - 1, new byte[] {99});
        assertThat(bar.changedRanges(before))
                .containsExactly(
                        new Range(0x8000, 0x200), new Range(0xfff8, 16), new Range(SIZE - 8, 8));
    }

    @Test
    void partsCanBeWatched() {
        bar.fill(0x1000, 0x1000);
        assertThat(bar.readLong(0xff8)).isZero();
        assertThat(bar.readLong(0x2000)).isZero();
        BarFile.Snapshot part = bar.snapshot(0x1000, 0x1000);
        bar.write(0x800, new byte[] {1});
        bar.write(0x1808, new byte[] {1});
        assertThat(bar.changedRanges(part)).containsExactly(new Range(0x1808, 8));
    }

    @Test
    void refusesBrokenWords() {
        assertThatThrownBy(() -> bar.fill(4, 8)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> bar.snapshot(0, 12)).isInstanceOf(IllegalArgumentException.class);
    }
}
