// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.InfrastructureException;
import java.nio.file.Path;

/** A patch does not apply: it is for another version of the source, or the order is wrong. */
public final class PatchConflict extends InfrastructureException {
    private final Path patch;
    private final String reason;

    PatchConflict(Path patch, String version, String reason) {
        super(
                "patch " + patch + " does not apply to " + version,
                reason,
                "port the patch to this version of the source, or take the version it is for");
        this.patch = patch;
        this.reason = reason;
    }

    public Path patch() {
        return patch;
    }

    /** File and hunk, and what is there instead of what the hunk expects. */
    public String reason() {
        return reason;
    }
}
