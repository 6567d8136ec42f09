// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import dmabuflab.guest.TestExporter.Lifetime;
import java.util.Locale;

/** Importers that reach memory by its PFNs, and what they can do without. */
enum ImporterKind {
    /** Asks at each page fault. */
    KVM(true, true, true),
    /** DMA that cannot fault; what was revoked is mapped again when it comes back. */
    IOMMUFD(false, true, true),
    /** A region whose first revocation is its end. */
    RXE_PINNED(false, true, false),
    RXE_ON_DEMAND(true, true, true),
    /** A device with page faults. */
    GPU(true, true, true),
    /** The same if it must not be left without the memory: its context would be lost. */
    COMPOSITOR(true, false, false),
    /** Has said nothing of what it can do without, as all drivers so far. */
    SILENT(false, false, false);

    private final boolean follows;
    private final boolean bearsLoss;
    private final boolean recovers;

    ImporterKind(boolean follows, boolean bearsLoss, boolean recovers) {
        this.follows = follows;
        this.bearsLoss = bearsLoss;
        this.recovers = recovers;
    }

    /** By what the contract says of the importer, not by what the kernel does. */
    boolean tolerates(Lifetime lifetime) {
        return switch (lifetime) {
            case PINNED -> true;
            case REVOCABLE -> bearsLoss;
            case DYNAMIC -> follows;
        };
    }

    /** Whether it asks before it is used: it cannot fault, or decides by the kind of memory. */
    boolean asksAtAttach() {
        return this == IOMMUFD || this == RXE_PINNED || this == RXE_ON_DEMAND;
    }

    /** Whether it reaches memory again that was taken away and has come back. */
    boolean recovers() {
        return recovers;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
