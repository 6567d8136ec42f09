// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.HexFormat;
import java.util.Map;

/**
 * Memory that is registered for RDMA: of a process, or part of a dma-buf. Offsets are in bytes from
 * its begin; only in memory of a process can it be seen what is there.
 */
public final class MemoryRegion {
    private final Agent agent;
    private final String name;
    private final long addr;
    private final long length;
    private long lkey;
    private long rkey;

    MemoryRegion(Agent agent, String name, Answer answer) {
        this.agent = agent;
        this.name = name;
        this.addr = answer.number("addr");
        this.length = answer.number("length");
        adopt(answer);
    }

    private void adopt(Answer keys) {
        lkey = keys.number("lkey");
        rkey = keys.number("rkey");
    }

    public String name() {
        return name;
    }

    /** The address by which work requests name its begin, on either side. */
    public long addr() {
        return addr;
    }

    public long length() {
        return length;
    }

    /** The key for local access. */
    public long lkey() {
        return lkey;
    }

    /** The key for remote access. */
    public long rkey() {
        return rkey;
    }

    /** Content of up to 64 KiB. */
    public byte[] read(long offset, int count) {
        Map<String, ?> arguments = Map.of("name", name, "offset", offset, "length", count);
        return HexFormat.of().parseHex(agent.call("mr.read", arguments).text("data"));
    }

    /** Changes up to 64 KiB. */
    public void write(long offset, byte[] data) {
        agent.call(
                "mr.write",
                Map.of("name", name, "offset", offset, "data", HexFormat.of().formatHex(data)));
    }

    /** Changes it to a byte, 0 to 255, over and over. */
    public void fill(long offset, long count, int value) {
        agent.call(
                "mr.fill", Map.of("name", name, "offset", offset, "length", count, "byte", value));
    }

    /** Changes the access to it. */
    public void reregister(RdmaEndpoint.Access... access) {
        adopt(agent.call("rdma.rereg", reregistration(access)));
    }

    /** Changes it where the kernel is expected to refuse, or may. */
    public Answer tryReregister(RdmaEndpoint.Access... access) {
        return agent.attempt("rdma.rereg", reregistration(access));
    }

    private Map<String, ?> reregistration(RdmaEndpoint.Access... access) {
        return Map.of("mr", name, "access", RdmaEndpoint.Access.words(access));
    }

    public void deregister() {
        agent.call("rdma.dereg", Map.of("mr", name));
    }

    /** Deregisters it where the kernel is expected to refuse, or may. */
    public Answer tryDeregister() {
        return agent.attempt("rdma.dereg", Map.of("mr", name));
    }
}
