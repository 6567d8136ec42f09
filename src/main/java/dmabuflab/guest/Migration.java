// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import com.fasterxml.jackson.databind.JsonNode;
import dmabuflab.host.InfrastructureException;
import dmabuflab.qemu.Qmp;
import dmabuflab.qemu.ShellScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Saves and loads a guest's state through QEMU's migration, waiting for its events. Shared memory
 * is left out of the stream; see {@link MemoryImage}.
 */
final class Migration {
    private static final Set<String> ENDS = Set.of("completed", "failed", "cancelled");

    private Migration() {}

    /**
     * Stops the guest and writes its state.
     *
     * @throws SnapshotRefused when QEMU cannot
     */
    static void save(Qmp qmp, Path file, Duration limit) {
        prepare(qmp);
        qmp.execute("stop");
        try {
            qmp.execute(
                    "migrate", Map.of("uri", "exec:cat > " + ShellScript.quote(file.toString())));
        } catch (InfrastructureException e) {
            throw new SnapshotRefused(e, true);
        }
        try {
            await(qmp, "save the guest to " + file, limit);
        } catch (InfrastructureException e) {
            throw new SnapshotRefused(e, false);
        }
    }

    /** Reads a state into a QEMU started with {@code -incoming defer} and lets it run. */
    static void load(Qmp qmp, Path file, Duration limit) {
        prepare(qmp);
        qmp.execute(
                "migrate-incoming",
                Map.of("uri", "exec:cat " + ShellScript.quote(file.toString())));
        await(qmp, "load the guest from " + file, limit);
        qmp.execute("cont");
    }

    private static void prepare(Qmp qmp) {
        qmp.execute(
                "migrate-set-capabilities",
                Map.of("capabilities", List.of(on("events"), on("x-ignore-shared"))));
        // Unlimited: the default throttles to what a network would bear.
        qmp.execute("migrate-set-parameters", Map.of("max-bandwidth", 1L << 40));
    }

    private static Map<String, ?> on(String capability) {
        return Map.of("capability", capability, "state", true);
    }

    private static void await(Qmp qmp, String doing, Duration limit) {
        JsonNode end =
                qmp.await("MIGRATION", data -> ENDS.contains(data.path("status").asText()), limit);
        if (!end.path("status").asText().equals("completed")) {
            throw new InfrastructureException(
                    "cannot " + doing,
                    "QEMU says " + end.path("status").asText(),
                    "is the disk full? --cold works without saved guests");
        }
    }
}
