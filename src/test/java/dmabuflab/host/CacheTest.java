// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheTest {

    @TempDir Path root;
    private Cache cache;

    @BeforeEach
    void open() {
        cache = Cache.at(root);
    }

    @Test
    void isWhereTheUserWantsIt() {
        Path home = Path.of("/home/me");
        assertThat(
                        Cache.locate(
                                        Map.of("DMABUF_LAB_CACHE", "/big", "XDG_CACHE_HOME", "/x"),
                                        home)
                                .root())
                .isEqualTo(Path.of("/big"));
        assertThat(Cache.locate(Map.of("XDG_CACHE_HOME", "/x"), home).root())
                .isEqualTo(Path.of("/x/dmabuf-lab"));
        assertThat(Cache.locate(Map.of("XDG_CACHE_HOME", "relative"), home).root())
                .isEqualTo(Path.of("/home/me/.cache/dmabuf-lab"));
    }

    @Test
    void publishesOnce() {
        Path target = root.resolve("things/one");
        Path first = cache.publish(target, fresh -> Files.writeString(fresh.resolve("f"), "1"));
        cache.publish(target, fresh -> Files.writeString(fresh.resolve("f"), "2"));
        assertThat(first).isEqualTo(target);
        assertThat(target.resolve("f")).hasContent("1");
        assertThat(root.resolve("things")).isDirectoryNotContaining("glob:**.partial");
    }

    @Test
    void leavesNothingOfAFailedFill() {
        Path target = root.resolve("things/one");
        assertThatThrownBy(
                        () ->
                                cache.publish(
                                        target,
                                        fresh -> {
                                            Files.writeString(fresh.resolve("f"), "half");
                                            throw new IOException("No space left on device");
                                        }))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("cannot write " + target)
                .hasMessageContaining("no space left on the file system");
        assertThat(root.resolve("things")).isEmptyDirectory();
    }

    @Test
    void cleansUpAfterAKilledRun() throws IOException {
        Path leftover = Files.createDirectories(root.resolve("things/old.partial/deep"));
        Files.writeString(leftover.resolve("f"), "half");
        cache.publish(root.resolve("things/new"), fresh -> {});
        assertThat(root.resolve("things")).isDirectoryNotContaining("glob:**.partial");
        assertThat(root.resolve("things/new")).exists();
    }

    @Test
    void letsOneOfManyFill() {
        AtomicInteger fills = new AtomicInteger();
        Path target = root.resolve("things/one");
        CompletableFuture<?>[] all = new CompletableFuture<?>[8];
        for (int i = 0; i < all.length; i++) {
            all[i] =
                    CompletableFuture.runAsync(
                            () -> cache.publish(target, fresh -> fills.incrementAndGet()));
        }
        assertThat(CompletableFuture.allOf(all)).succeedsWithin(Duration.ofSeconds(10));
        assertThat(fills).hasValue(1);
    }

    @Test
    void locksOtherThreadsOutButNotItself() throws Exception {
        CompletableFuture<Void> other;
        try (Cache.Held outer = cache.lock("a", "testing");
                Cache.Held inner = cache.lock("a", "testing more")) {
            other = CompletableFuture.runAsync(() -> cache.lock("a", "waiting").close());
            assertThat(other).isNotDone();
        }
        other.get(5, TimeUnit.SECONDS);
    }

    @Test
    void locksOtherProcessesOutAndTellsThemWhoHoldsIt() throws Exception {
        Cache.Held held = cache.lock("a b", "testing locks");
        Process waiter =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Waiter.class.getName(),
                                root.toString())
                        .redirectErrorStream(true)
                        .start();
        try (BufferedReader lines = waiter.inputReader()) {
            assertThat(lines.readLine())
                    .isEqualTo(
                            "waiting for process %d (testing locks)",
                            ProcessHandle.current().pid());
            held.close();
            assertThat(lines.readLine()).isEqualTo("has it");
        }
        assertThat(waiter.waitFor()).isZero();
    }

    static final class Waiter {
        private Waiter() {}

        public static void main(String[] args) {
            try (Cache.Held held = Cache.at(Path.of(args[0])).lock("a b", "waiting")) {
                System.out.println("has it");
            }
        }
    }

    @Test
    void remembersHowLongATaskTook() {
        assertThat(cache.lastTime("kernel 7.3")).isEmpty();
        cache.rememberTime("kernel 7.3", Duration.ofSeconds(380));
        assertThat(cache.lastTime("kernel 7.3")).hasValue(Duration.ofSeconds(380));
    }

    @Test
    void deletesTreesWithLinksInThem() throws IOException {
        Path outside = Files.writeString(root.resolve("outside"), "stays");
        Path tree = Files.createDirectories(root.resolve("tree/sub")).getParent();
        Files.createSymbolicLink(tree.resolve("sub/link"), outside);
        Cache.delete(tree);
        Cache.delete(tree);
        assertThat(tree).doesNotExist();
        assertThat(outside).exists();
    }
}
