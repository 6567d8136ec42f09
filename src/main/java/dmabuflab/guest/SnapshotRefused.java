// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.InfrastructureException;

/** QEMU cannot save this guest: a reason to boot each time, not to give up. */
public final class SnapshotRefused extends InfrastructureException {
    private static final long serialVersionUID = 1;

    SnapshotRefused(InfrastructureException cause) {
        super("cannot save a booted guest", cause.getMessage(), "guests are booted instead", cause);
    }
}
