// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * An RDMA device that a process has open, with a protection domain: what memory is registered in
 * and queue pairs are made in.
 */
public final class RdmaEndpoint {
    /** What may be done to a {@link MemoryRegion} or through a {@link MemoryWindow}. */
    public enum Access {
        LOCAL_WRITE,
        REMOTE_WRITE,
        REMOTE_READ,
        REMOTE_ATOMIC,
        MW_BIND,
        ZERO_BASED,
        /** Its pages are looked up when they are accessed. */
        ON_DEMAND,
        RELAXED_ORDERING;

        private static final Access[] ALL = {LOCAL_WRITE, REMOTE_WRITE, REMOTE_READ, REMOTE_ATOMIC};

        /** As the agent's words; all kinds of transfer if none are given. */
        static List<String> words(Access... access) {
            return Arrays.stream(access.length == 0 ? ALL : access)
                    .map(each -> each.name().toLowerCase(Locale.ROOT).replace('_', '-'))
                    .toList();
        }
    }

    private final Agent agent;
    private final String name;

    RdmaEndpoint(Agent agent, String name) {
        this.agent = agent;
        this.name = name;
    }

    public String name() {
        return name;
    }

    /** Registers fresh memory of the process; without access given, for all transfers. */
    public MemoryRegion register(String region, long length, Access... access) {
        return region(region, memoryArguments(region, length, access));
    }

    /** Registers memory that is mapped already, from its begin, for all transfers. */
    public MemoryRegion register(String region, BarMapping mapping, long length) {
        return region(region, arguments(region, mapping, length));
    }

    /** Registers fresh memory where the kernel is expected to refuse, or may. */
    public Answer tryRegister(String region, long length, Access... access) {
        return agent.attempt("rdma.mr", memoryArguments(region, length, access));
    }

    /**
     * Registers part of a dma-buf, from an offset and of a length in bytes, to be addressed from 0
     * on; without access given, for all transfers.
     */
    public MemoryRegion register(
            String region, DmaBuf buffer, long offset, long length, Access... access) {
        return region(region, arguments(region, buffer, offset, length, 0, access));
    }

    /** The same, to be addressed from {@code iova} on. */
    public MemoryRegion registerAt(
            long iova, String region, DmaBuf buffer, long offset, long length, Access... access) {
        return region(region, arguments(region, buffer, offset, length, iova, access));
    }

    /** Registers part of a dma-buf where the kernel is expected to refuse, or may. */
    public Answer tryRegister(
            String region, DmaBuf buffer, long offset, long length, Access... access) {
        return agent.attempt("rdma.mr", arguments(region, buffer, offset, length, 0, access));
    }

    /** What {@link #tryRegister} has registered, by its answer. */
    public MemoryRegion region(String region, Answer registered) {
        return new MemoryRegion(agent, region, registered);
    }

    /** What an agent is asked for to register part of a dma-buf, for others to ask. */
    public Map<String, Object> arguments(
            String region, DmaBuf buffer, long offset, long length, long iova, Access... access) {
        Map<String, Object> arguments = memoryArguments(region, length, access);
        arguments.put("dmabuf", buffer.name());
        arguments.put("offset", Hexadecimal.of(offset));
        arguments.put("iova", Hexadecimal.of(iova));
        return arguments;
    }

    /** The same for memory that is mapped already, from its begin. */
    public Map<String, Object> arguments(String region, BarMapping mapping, long length) {
        Map<String, Object> arguments = memoryArguments(region, length);
        arguments.put("mapping", mapping.name());
        return arguments;
    }

    private Map<String, Object> memoryArguments(String region, long length, Access... access) {
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("endpoint", name);
        arguments.put("name", region);
        arguments.put("length", Hexadecimal.of(length));
        arguments.put("access", Access.words(access));
        return arguments;
    }

    private MemoryRegion region(String region, Map<String, ?> arguments) {
        return new MemoryRegion(agent, region, agent.call("rdma.mr", arguments));
    }

    /** Makes a memory window of type 1 or 2. */
    public MemoryWindow window(String window, int type) {
        Map<String, ?> arguments = Map.of("endpoint", name, "name", window, "type", type);
        return new MemoryWindow(agent, window, agent.call("rdma.mw", arguments).number("rkey"));
    }

    /** Makes a reliable queue pair, to be connected. */
    public QueuePair queuePair(String pair) {
        return new QueuePair(
                agent, pair, agent.call("rdma.qp", Map.of("endpoint", name, "name", pair)));
    }

    /** Closes it, with all that was registered and made in it. */
    public void close() {
        agent.call("rdma.close", Map.of("name", name));
    }
}
