// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a {@link QueuePair} is asked to do. The local part of a request is in a {@link MemoryRegion}
 * of the same process, from an offset and of a length in bytes that may lie outside of it; so may
 * the remote part.
 *
 * @param arguments the agent's
 */
public record WorkRequest(Map<String, Object> arguments) {
    public WorkRequest {
        arguments = Map.copyOf(arguments);
    }

    /** RDMA WRITE of local memory; needs {@link #remote}. */
    public static WorkRequest write(MemoryRegion local, long offset, long length) {
        return local("write", local, offset, length);
    }

    /** RDMA WRITE that the peer is told of, by a {@link QueuePair#receive} and this number. */
    public static WorkRequest writeImm(MemoryRegion local, long offset, long length, int imm) {
        return local("write-imm", local, offset, length).with("imm", Integer.toUnsignedLong(imm));
    }

    /** RDMA READ into local memory; needs {@link #remote}. */
    public static WorkRequest read(MemoryRegion local, long offset, long length) {
        return local("read", local, offset, length);
    }

    /** SEND of local memory to where the peer has it: {@link QueuePair#receive}. */
    public static WorkRequest send(MemoryRegion local, long offset, long length) {
        return local("send", local, offset, length);
    }

    /** SEND that invalidates a remote key at the peer. */
    public static WorkRequest sendInvalidating(
            long rkey, MemoryRegion local, long offset, long length) {
        return local("send-inv", local, offset, length).with("rkey", rkey);
    }

    /**
     * Adds to 8 bytes at the peer, atomically; what was there comes to an offset of local memory.
     */
    public static WorkRequest fetchAdd(MemoryRegion local, long offset, long value) {
        return local("fetch-add", local, offset, Long.BYTES).with("add", Hexadecimal.of(value));
    }

    /** Replaces 8 bytes at the peer, atomically, if they are as expected; likewise. */
    public static WorkRequest compareSwap(
            MemoryRegion local, long offset, long expected, long value) {
        return local("cmp-swap", local, offset, Long.BYTES)
                .with("compare", Hexadecimal.of(expected))
                .with("swap", Hexadecimal.of(value));
    }

    /** Invalidates a remote key on this side. */
    public static WorkRequest localInvalidate(long rkey) {
        return new WorkRequest(Map.of("verb", "local-inv", "rkey", rkey));
    }

    private static WorkRequest local(String verb, MemoryRegion local, long offset, long length) {
        return new WorkRequest(Map.of("verb", verb)).at(local, offset, length);
    }

    private WorkRequest at(MemoryRegion local, long offset, long length) {
        return with("mr", local.name())
                .with("offset", Hexadecimal.of(offset))
                .with("length", length);
    }

    /** Adds another local part after those there are, up to four in all. */
    public WorkRequest and(MemoryRegion local, long offset, long length) {
        List<Object> parts = new ArrayList<>();
        Map<String, Object> rest = new LinkedHashMap<>(arguments);
        if (rest.remove("sges") instanceof List<?> before) {
            parts.addAll(before);
        } else {
            long first = Long.parseUnsignedLong(rest.remove("offset").toString().substring(2), 16);
            parts.add(
                    Map.of(
                            "mr",
                            rest.remove("mr"),
                            "offset",
                            first,
                            "length",
                            rest.remove("length")));
        }
        parts.add(Map.of("mr", local.name(), "offset", offset, "length", length));
        return new WorkRequest(rest).with("sges", parts);
    }

    /** With that key for the local part, whatever the region's is. */
    public WorkRequest withLkey(long lkey) {
        return with("lkey", lkey);
    }

    /** The remote part: from an offset in a region that the peer has registered. */
    public WorkRequest remote(MemoryRegion region, long offset) {
        return remote(region.addr() + offset, region.rkey());
    }

    /** The remote part by an address and a key. */
    public WorkRequest remote(long addr, long rkey) {
        return with("remote_addr", Hexadecimal.of(addr)).with("rkey", rkey);
    }

    private WorkRequest with(String key, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(arguments);
        more.put(key, value);
        return new WorkRequest(more);
    }

    /** What an agent is asked for to have it done, for others to ask. */
    public Map<String, Object> arguments(QueuePair pair) {
        Map<String, Object> all = new LinkedHashMap<>(arguments);
        all.put("qp", pair.name());
        all.put("timeout_ms", pair.limit().toMillis());
        return all;
    }
}
