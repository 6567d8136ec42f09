// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.Cache;
import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * The state of a guest that has just booted, loaded instead of booting again.
 *
 * @param state QEMU's migration stream, without the guest's memory
 * @param memory the guest's memory
 * @param console all that the guest printed while it booted
 * @param boot how long booting had taken: the measure of this guest's speed
 */
public record GoldenSnapshot(
        GuestImage image, Path state, Path memory, Path console, Duration boot) {

    /** In place of a snapshot: why there cannot be one, so that it is not tried each time. */
    private static final String REFUSED = "refused";

    /**
     * Returns the snapshot of an image, taken now when the cache has none.
     *
     * @param artefacts receives the logs of the boot, if there has to be one
     * @throws SnapshotRefused when QEMU cannot save this guest; booting still works
     */
    public static GoldenSnapshot obtain(
            GuestImage image, Cache cache, TimeScale scale, Path artefacts) {
        Path directory = cache.directory("snapshots").resolve(image.snapshotKey());
        if (!Files.exists(directory)) {
            try (var held = cache.lock("snapshots", "booting a guest to save it")) {
                cache.publish(directory, filling -> take(image, filling, scale, artefacts));
            }
        }
        Path refused = directory.resolve(REFUSED);
        try {
            if (Files.exists(refused)) {
                throw new SnapshotRefused(Files.readString(refused));
            }
            Duration boot = Duration.parse(Files.readString(directory.resolve("boot")));
            return new GoldenSnapshot(
                    image,
                    directory.resolve("state"),
                    directory.resolve("memory"),
                    directory.resolve("console.log"),
                    boot);
        } catch (IOException e) {
            throw new InfrastructureException(
                    "unusable snapshot " + directory, e.toString(), "delete that directory", e);
        }
    }

    private static void take(GuestImage image, Path filling, TimeScale scale, Path artefacts)
            throws IOException {
        long start = System.nanoTime();
        Files.createDirectories(artefacts);
        try (Guest guest = Guest.boot(image, artefacts, scale, bytes -> {})) {
            Files.writeString(
                    filling.resolve("boot"),
                    Duration.ofNanos(System.nanoTime() - start).toString());
            guest.drainConsole("dmabuf-lab: end of boot");
            try {
                Migration.save(guest.qmp(), filling.resolve("state"), guest.scale().boot());
            } catch (SnapshotRefused e) {
                if (!e.isLasting()) {
                    throw e;
                }
                Files.writeString(filling.resolve(REFUSED), e.getCause().getMessage());
                return;
            }
            MemoryImage.save(guest.memory(), filling.resolve("memory"));
        }
        // Not before QEMU is gone: the guest prints until it is stopped, and a piece missing here
        // would have its next line glued to the last one, where no report is found.
        Files.copy(artefacts.resolve("console.log"), filling.resolve("console.log"));
    }

    /**
     * A fresh guest in the saved state; see {@link Guest#boot}. The listener is told what the guest
     * had printed before, as if it had booted again.
     */
    public Guest restore(Path artefacts, TimeScale scale, Consumer<byte[]> console) {
        return Guest.restore(this, artefacts, scale, console);
    }
}
