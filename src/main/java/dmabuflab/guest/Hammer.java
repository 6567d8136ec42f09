// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Transfers that a {@link QueuePair} repeats, several in flight: the n-th one writes the number n,
 * counted from 1, in 8 bytes over and over, or reads. Starts out as 8 bytes, in one place, with 8
 * requests in flight, without end.
 *
 * @param arguments the agent's
 */
public record Hammer(Map<String, Object> arguments) {
    /** How it ended. */
    public record Result(Answer answer) {
        /** {@link Completion.Status#SUCCESS}, or that of the first request that failed. */
        public Completion.Status status() {
            return new Completion(answer).status();
        }

        /** The highest number that was posted. */
        public long posted() {
            return answer.number("posted");
        }

        /** The highest number that has succeeded, and with it all before. */
        public long acknowledged() {
            return answer.number("acknowledged");
        }

        /** Of reads: what the last one that succeeded has read first. */
        public long value() {
            return answer.number("value");
        }

        /** How long it took, on the guest's clock. */
        public long nanoseconds() {
            return answer.number("ns");
        }
    }

    public Hammer {
        arguments = Map.copyOf(arguments);
    }

    /**
     * Writes from a region of the process' memory, where each request in flight has a buffer for
     * itself.
     */
    public static Hammer write(MemoryRegion local) {
        return new Hammer(Map.of("mr", local.name(), "direction", "write"));
    }

    /** Reads into a region, likewise. */
    public static Hammer read(MemoryRegion local) {
        return new Hammer(Map.of("mr", local.name(), "direction", "read"));
    }

    /** Where to: from an offset in a region that the peer has registered. */
    public Hammer remote(MemoryRegion region, long offset) {
        return with("remote_addr", Hexadecimal.of(region.addr() + offset))
                .with("rkey", region.rkey());
    }

    /** Bytes of a transfer, 8 or more. */
    public Hammer length(long length) {
        return with("length", length);
    }

    /** In turn at so many places that are {@code stride} bytes apart. */
    public Hammer places(long places, long stride) {
        return with("places", places).with("stride", stride);
    }

    /** Requests in flight, 1 to 64. */
    public Hammer depth(int depth) {
        return with("depth", depth);
    }

    /** Ends after so many. */
    public Hammer count(long count) {
        return with("count", count);
    }

    private Hammer with(String key, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(arguments);
        more.put(key, value);
        return new Hammer(more);
    }

    /** What an agent is asked for to have it done, for others to ask. */
    public Map<String, Object> arguments(QueuePair pair) {
        Map<String, Object> all = new LinkedHashMap<>(arguments);
        all.put("qp", pair.name());
        return all;
    }
}
