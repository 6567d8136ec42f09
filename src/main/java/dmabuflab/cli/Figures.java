// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** Figures of one case, each measured in several rounds, in the order in which they came up. */
final class Figures {
    private final String title;
    private final Map<String, Samples> samples = new LinkedHashMap<>();

    Figures(String title) {
        this.title = title;
    }

    /** Adds one round's measurement. */
    void add(String what, String unit, double value) {
        samples.computeIfAbsent(what, each -> new Samples("  " + each, unit)).add(value);
    }

    String title() {
        return title;
    }

    boolean has(String what) {
        return samples.containsKey(what);
    }

    double median(String what) {
        return samples.get(what).median();
    }

    Collection<Samples> all() {
        return samples.values();
    }

    @Override
    public String toString() {
        return samples.values().stream()
                .map(Samples::toString)
                .collect(
                        Collectors.joining(
                                System.lineSeparator(), title + System.lineSeparator(), ""));
    }
}
