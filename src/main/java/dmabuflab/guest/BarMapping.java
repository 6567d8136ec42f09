// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.HexFormat;
import java.util.Map;

/**
 * Part of a BAR mapped for the guest's CPU. An access that the kernel refuses has the errno {@code
 * SIGBUS}. The mapping keeps its device open. To compare with, it can be plain memory too.
 */
public final class BarMapping {
    private final Agent agent;
    private final String name;

    BarMapping(Agent agent, String name) {
        this.agent = agent;
        this.name = name;
    }

    /** Maps fresh memory instead, {@code length} bytes. */
    public static BarMapping ofMemory(Agent agent, String name, long length) {
        agent.call("mapping.anonymous", Map.of("name", name, "length", length));
        return new BarMapping(agent, name);
    }

    public String name() {
        return name;
    }

    public byte[] read(long offset, int length) {
        return HexFormat.of()
                .parseHex(agent.call("mapping.read", readArguments(offset, length)).text("data"));
    }

    /** A read whose refusal is an answer. */
    public Answer tryRead(long offset, int length) {
        return agent.attempt("mapping.read", readArguments(offset, length));
    }

    public void write(long offset, byte[] data) {
        agent.call("mapping.write", writeArguments(offset, data));
    }

    /** A write whose refusal is an answer. */
    public Answer tryWrite(long offset, byte[] data) {
        return agent.attempt("mapping.write", writeArguments(offset, data));
    }

    private Map<String, ?> readArguments(long offset, int length) {
        return Map.of("name", name, "offset", offset, "length", length);
    }

    private Map<String, ?> writeArguments(long offset, byte[] data) {
        return Map.of("name", name, "offset", offset, "data", HexFormat.of().formatHex(data));
    }

    /** Unmaps. */
    public void close() {
        agent.call("mapping.close", Map.of("name", name));
    }
}
