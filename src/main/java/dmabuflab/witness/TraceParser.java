// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.List;
import java.util.Optional;

/** Understands the trace events of one IOMMU model of QEMU. For one trace and one thread. */
public interface TraceParser {
    /** What to give to QEMU's {@code -trace}, one option each, so that there is all it needs. */
    List<String> events();

    /**
     * Reads one line, in the order in which QEMU wrote them; empty when it is none of the events
     * this parser knows.
     *
     * @throws MalformedTraceException when it is a known event in a form that is not understood
     */
    Optional<TraceEvent> parse(TraceLine line);
}
