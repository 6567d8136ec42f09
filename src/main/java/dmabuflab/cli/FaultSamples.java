// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import java.util.List;
import java.util.Locale;

/**
 * What a fault costs, of three kinds measured in turns: on a slot over a dma-buf, on a slot over a
 * mapping that was never touched, so that the CPU's page table has to be filled as well, and on one
 * whose pages the CPU's page table has already. Microseconds per fault.
 */
final class FaultSamples {
    private final Samples dmabuf;
    private final Samples fresh;
    private final Samples touched;
    private final Samples againstFresh;
    private final Samples againstTouched;

    FaultSamples(String pages) {
        dmabuf = new Samples(pages + " fault, dma-buf slot", "us");
        fresh = new Samples(pages + " fault, mmap slot, fresh", "us");
        touched = new Samples(pages + " fault, mmap slot, touched", "us");
        againstFresh = new Samples("  dma-buf's time / fresh mmap's", "x");
        againstTouched = new Samples("  dma-buf's time / touched mmap's", "x");
    }

    /** Adds one round: only what was measured next to each other is compared. */
    void add(double ofDmabuf, double ofFresh, double ofTouched) {
        dmabuf.add(ofDmabuf);
        fresh.add(ofFresh);
        touched.add(ofTouched);
        againstFresh.add(ofDmabuf / ofFresh);
        againstTouched.add(ofDmabuf / ofTouched);
    }

    List<Samples> all() {
        return List.of(dmabuf, fresh, touched, againstFresh, againstTouched);
    }

    @Override
    public String toString() {
        return String.join(
                System.lineSeparator(),
                withRate(dmabuf),
                withRate(fresh),
                withRate(touched),
                againstFresh.toString(),
                againstTouched.toString());
    }

    private static String withRate(Samples samples) {
        return String.format(Locale.ROOT, "%s  %.0f/s", samples, 1e6 / samples.median());
    }
}
