// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

/** The guest made no progress within its limit. */
public final class GuestHung extends RuntimeException {
    private static final long serialVersionUID = 1;

    public GuestHung(String message) {
        super(message);
    }
}
