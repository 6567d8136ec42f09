// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.GoldenSnapshot;
import dmabuflab.guest.Guest;
import dmabuflab.guest.GuestImage;
import dmabuflab.guest.SnapshotRefused;
import dmabuflab.guest.TimeScale;
import dmabuflab.host.Cache;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The guests of one machine, loaded from their snapshot or booted.
 *
 * @param whyCold why they are booted, "" when they are loaded
 */
record ModelGuests(GuestImage image, Optional<GoldenSnapshot> snapshot, String whyCold) {

    static ModelGuests cold(GuestImage image) {
        return new ModelGuests(image, Optional.empty(), "asked for");
    }

    /**
     * Obtains the snapshot, if QEMU can make one.
     *
     * @param boot receives the logs of the boot, if there has to be one
     */
    static ModelGuests saved(GuestImage image, Cache cache, TimeScale scale, Path boot) {
        try {
            return new ModelGuests(
                    image, Optional.of(GoldenSnapshot.obtain(image, cache, scale, boot)), "");
        } catch (SnapshotRefused e) {
            return new ModelGuests(image, Optional.empty(), e.getMessage());
        }
    }

    Guest start(Path artefacts, TimeScale scale, Consumer<byte[]> console) {
        return snapshot.isPresent()
                ? snapshot.get().restore(artefacts, scale, console)
                : Guest.boot(image, artefacts, scale, console);
    }

    /** How guests come to be, for the report. */
    String how() {
        return snapshot.isPresent()
                ? "restored"
                : "cold boot, " + whyCold.lines().findFirst().orElse("");
    }
}
