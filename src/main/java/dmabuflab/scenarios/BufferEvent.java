// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import dmabuflab.guest.Answer;
import dmabuflab.guest.TestExporter;
import dmabuflab.guest.TestExporter.Lifetime;
import java.util.Locale;

/** What an exporter may do with a buffer that somebody has attached to. */
enum BufferEvent {
    MOVE(Lifetime.DYNAMIC) {
        @Override
        Answer attempt(TestExporter exporter) {
            return exporter.tryMove(LifetimeMatrix.OTHER_PLACE);
        }
    },
    REVOKE(Lifetime.REVOCABLE) {
        @Override
        Answer attempt(TestExporter exporter) {
            return exporter.tryRevoke();
        }
    },
    UNREVOKE(Lifetime.REVOCABLE) {
        @Override
        Answer attempt(TestExporter exporter) {
            Answer revoked = exporter.tryRevoke();
            exporter.restore();
            return revoked;
        }
    },
    /** The exporter goes away, and with it all memory that it has not promised to keep. */
    END(null) {
        @Override
        Answer attempt(TestExporter exporter) {
            return exporter.tryEnd();
        }
    };

    private final Lifetime of;

    BufferEvent(Lifetime of) {
        this.of = of;
    }

    abstract Answer attempt(TestExporter exporter);

    /** Whether an exporter that offers this has kept the right to do so. */
    boolean isPermitted(Lifetime lifetime) {
        return of == null || of == lifetime;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
