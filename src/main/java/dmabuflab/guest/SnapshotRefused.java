// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.InfrastructureException;

/** QEMU cannot save this guest: a reason to boot each time, not to give up. */
public final class SnapshotRefused extends InfrastructureException {
    private static final long serialVersionUID = 1;

    private final boolean lasting;

    /**
     * @param lasting whether it will be the same the next time: QEMU cannot save such a guest at
     *     all
     */
    SnapshotRefused(InfrastructureException cause, boolean lasting) {
        super("cannot save a booted guest", cause.getMessage(), "guests are booted instead", cause);
        this.lasting = lasting;
    }

    /** Repeats a lasting refusal of before. */
    SnapshotRefused(String reason) {
        super("cannot save a booted guest", reason, "guests are booted instead");
        this.lasting = true;
    }

    boolean isLasting() {
        return lasting;
    }
}
