// SPDX-License-Identifier: Apache-2.0
package dmabuflab.timeline;

import dmabuflab.report.SequenceDiagram.Lane;
import dmabuflab.report.SequenceDiagram.Source;
import dmabuflab.report.SequenceDiagram.Tone;

/**
 * Something that happened in a scenario.
 *
 * @param at seconds on the clock of its source
 * @param kind one word for what it is; neighbours of one kind are told together
 */
record Step(double at, Source source, Lane from, Lane to, Tone tone, String kind, String words) {
    Step at(double time) {
        return new Step(time, source, from, to, tone, kind, words);
    }

    boolean isLike(Step other) {
        return source == other.source
                && from == other.from
                && to == other.to
                && tone == other.tone
                && kind.equals(other.kind);
    }

    /** {@code 0x40000000+256 KiB}. */
    static String range(long start, long length) {
        return "0x%x+%s".formatted(start, size(length));
    }

    static String size(long bytes) {
        if (bytes >= 1 << 20 && bytes % (1 << 20) == 0) {
            return (bytes >> 20) + " MiB";
        }
        return bytes >= 1 << 10 && bytes % (1 << 10) == 0 ? (bytes >> 10) + " KiB" : bytes + " B";
    }
}
