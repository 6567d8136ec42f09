// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.qemu.Peer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConsoleTest {
    @TempDir Path directory;

    @Test
    void whatIsPrintedIsASignOfLifeOnceAndNotForEver() throws Exception {
        try (Peer guest = new Peer(directory)) {
            Console console =
                    new Console(guest.socket(), directory.resolve("console.log"), bytes -> {});
            BooleanSupplier printed = console.hasPrinted(Duration.ofMinutes(1));
            BooleanSupplier late = console.hasPrinted(Duration.ZERO);
            assertThat(printed.getAsBoolean()).isFalse();

            CountDownLatch seen = console.watchFor("Linux");
            guest.says("Linux version 7.3.4\n");
            assertThat(seen.await(5, TimeUnit.SECONDS)).isTrue();

            assertThat(late.getAsBoolean()).isFalse();
            assertThat(printed.getAsBoolean()).isTrue();
            assertThat(printed.getAsBoolean()).isFalse();
        }
    }
}
