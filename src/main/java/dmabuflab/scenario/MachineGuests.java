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
record MachineGuests(GuestImage image, Optional<GoldenSnapshot> snapshot, String whyCold) {

    static MachineGuests cold(GuestImage image) {
        return new MachineGuests(image, Optional.empty(), "asked for");
    }

    /**
     * Obtains the snapshot, if QEMU can make one.
     *
     * @param boot receives the logs of the boot, if there has to be one
     */
    static MachineGuests saved(GuestImage image, Cache cache, TimeScale scale, Path boot) {
        try {
            return new MachineGuests(
                    image, Optional.of(GoldenSnapshot.obtain(image, cache, scale, boot)), "");
        } catch (SnapshotRefused e) {
            return new MachineGuests(image, Optional.empty(), e.getMessage());
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
