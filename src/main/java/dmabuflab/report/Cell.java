// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.util.Comparator;
import java.util.List;

/**
 * The place of a case in the table of its scenario's cases, and what has to come of it there.
 *
 * @param column one heading below the other; as many in every case of a scenario
 */
public record Cell(Heading row, List<Heading> column, String expected) {

    /**
     * What a row or a column is called.
     *
     * @param order its place among its like
     */
    public record Heading(int order, String name) implements Comparable<Heading> {
        private static final Comparator<Heading> ORDER =
                Comparator.comparingInt(Heading::order).thenComparing(Heading::name);

        @Override
        public int compareTo(Heading other) {
            return ORDER.compare(this, other);
        }
    }
}
