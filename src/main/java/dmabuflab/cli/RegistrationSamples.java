// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import java.util.Collection;
import java.util.OptionalDouble;

/**
 * What it costs to register one kind of memory by its PFNs and by a scatterlist, measured in turns.
 * Ratios are the scatterlist's figure over that of PFNs.
 */
final class RegistrationSamples {
    /** Of one region: kernel memory in bytes, of it in slab caches, and nanoseconds. */
    record Cost(double total, double slab, double register, double deregister) {}

    /** What one way has cost in a round: for a page, and for all the memory there is. */
    record Round(Cost page, Cost all) {}

    private static final String TOTAL = "kernel memory";
    private static final String PFN = ", PFN";
    private static final String SCATTERLIST = ", scatterlist";
    private static final String RATIO = ", ratio";

    /** Less than that for a GiB, in KiB, is nothing, and there is no ratio to nothing. */
    private static final double NOTHING = 1;

    private final String kind;
    private final double gib;
    private final Figures figures;

    /**
     * @param kind of memory
     * @param explanation of what is compared
     * @param size of all of it, in bytes
     */
    RegistrationSamples(String kind, String explanation, long size) {
        this.kind = kind;
        this.gib = size / (double) (1 << 30);
        this.figures = new Figures(kind + "; " + explanation);
    }

    /** Adds one round: only what was measured next to each other is compared. */
    void add(Round pfn, Round scatterlist) {
        double byPfn = perGib(pfn.all().total(), pfn.page().total());
        double byScatterlist = perGib(scatterlist.all().total(), scatterlist.page().total());
        add(TOTAL, "KiB/GiB", byPfn, byScatterlist);
        if (byPfn > NOTHING && byScatterlist > NOTHING) {
            figures.add(TOTAL + RATIO, "x", byScatterlist / byPfn);
        }
        add(
                "of it slab",
                "KiB/GiB",
                perGib(pfn.all().slab(), pfn.page().slab()),
                perGib(scatterlist.all().slab(), scatterlist.page().slab()));
        add("a page's region", "KiB", pfn.page().total() / 1024, scatterlist.page().total() / 1024);
        addWithRatio(
                "register", "us", pfn.all().register() / 1e3, scatterlist.all().register() / 1e3);
        addWithRatio(
                "deregister",
                "us",
                pfn.all().deregister() / 1e3,
                scatterlist.all().deregister() / 1e3);
    }

    private double perGib(double all, double page) {
        return (all - page) / 1024 / gib;
    }

    /** Adds how often or fast something went by each. */
    void addRate(String what, String unit, double pfn, OptionalDouble scatterlist) {
        if (scatterlist.isPresent()) {
            addWithRatio(what, unit, pfn, scatterlist.getAsDouble());
        } else {
            figures.add(what + PFN, unit, pfn);
        }
    }

    private void addWithRatio(String what, String unit, double pfn, double scatterlist) {
        add(what, unit, pfn, scatterlist);
        figures.add(what + RATIO, "x", scatterlist / pfn);
    }

    private void add(String what, String unit, double pfn, double scatterlist) {
        figures.add(what + PFN, unit, pfn);
        figures.add(what + SCATTERLIST, unit, scatterlist);
    }

    String kind() {
        return kind;
    }

    /** KiB for a GiB, by PFNs. */
    double kernelMemoryByPfn() {
        return figures.median(TOTAL + PFN);
    }

    double kernelMemoryByScatterlist() {
        return figures.median(TOTAL + SCATTERLIST);
    }

    Collection<Samples> all() {
        return figures.all();
    }

    @Override
    public String toString() {
        return figures.toString();
    }
}
