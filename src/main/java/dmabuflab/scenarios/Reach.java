// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import dmabuflab.guest.TestExporter.Lifetime;

/** What an importer reaches of a buffer after something has happened to it. */
enum Reach {
    /** The two were kept apart when it attached, before anything could happen. */
    REFUSED("refused"),
    /** The memory where it was: the exporter has promised that, and is held to it. */
    STAYS("stays"),
    FOLLOWS("follows"),
    CUT_OFF("cut off"),
    /** What was taken away and given back. */
    RECOVERS("recovers");

    private final String words;

    Reach(String words) {
        this.words = words;
    }

    /** By what the contract says of both sides, not by what the kernel does. */
    static Reach after(BufferEvent event, ImporterKind kind, Lifetime lifetime) {
        if (!kind.tolerates(lifetime)) {
            return REFUSED;
        } else if (lifetime == Lifetime.PINNED || !event.isPermitted(lifetime)) {
            return STAYS;
        }
        return switch (event) {
            case MOVE -> FOLLOWS;
            case REVOKE, END -> CUT_OFF;
            case UNREVOKE -> kind.recovers() ? RECOVERS : CUT_OFF;
        };
    }

    @Override
    public String toString() {
        return words;
    }
}
