// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A CPU of a {@link Vm} that accesses GPAs, below 512 GiB, on command. Widths are 1, 2, 4 or 8
 * bytes. An access that does not reach memory ends in an {@link Exit}; another command then
 * replaces it, and {@link #resume} tries again.
 */
public final class Vcpu {
    private final Agent agent;
    private final String name;

    Vcpu(Agent agent, String name) {
        this.agent = agent;
        this.name = name;
    }

    public String name() {
        return name;
    }

    /** Loads 8 bytes, which has to succeed. */
    public long read(long gpa) {
        return expectComplete(tryRead(gpa, Long.BYTES)).value();
    }

    public Exit tryRead(long gpa, int width) {
        return exit("vcpu.read", arguments(gpa, width));
    }

    /** Loads {@code count} words of 8 bytes, every {@code stride} bytes. */
    public Exit tryReads(long gpa, long count, long stride) {
        return exit("vcpu.read", several(arguments(gpa, Long.BYTES), count, stride));
    }

    /** Stores 8 bytes, which has to succeed. */
    public void write(long gpa, long value) {
        expectComplete(tryWrite(gpa, Long.BYTES, value));
    }

    public Exit tryWrite(long gpa, int width, long value) {
        return exit("vcpu.write", arguments(gpa, width, value));
    }

    /** Starts to store 8 bytes where that may block; the job's answer makes an {@link Exit}. */
    public Job writeAsJob(long gpa, long value) {
        return Job.start(agent, "vcpu.write", arguments(gpa, Long.BYTES, value));
    }

    /** Stores {@code count} words of 8 bytes, every {@code stride} bytes. */
    public Exit tryWrites(long gpa, long value, long count, long stride) {
        return exit("vcpu.write", several(arguments(gpa, Long.BYTES, value), count, stride));
    }

    /** Adds atomically; the exit's value is what was there. */
    public Exit tryAdd(long gpa, int width, long value) {
        return exit("vcpu.xadd", arguments(gpa, width, value));
    }

    /** Exchanges atomically if {@code expected} is there; the exit's value is what was. */
    public Exit tryExchange(long gpa, int width, long expected, long value) {
        Map<String, Object> arguments = arguments(gpa, width, value);
        arguments.put("expected", Hexadecimal.of(expected));
        return exit("vcpu.cmpxchg", arguments);
    }

    /**
     * Starts to store 1, 2, 3 and so on, 8 bytes wide, without leaving the guest, in turn at {@code
     * places} that are {@code stride} bytes apart. The job's answer makes an {@link Exit}.
     */
    public Job hammer(long gpa, long places, long stride) {
        Map<String, Object> arguments = arguments(gpa, Long.BYTES);
        arguments.put("places", places);
        arguments.put("stride", stride);
        return Job.start(agent, "vcpu.hammer", arguments);
    }

    /**
     * Maps memory before any access to it: KVM_PRE_FAULT_MEMORY, which may have done only a part.
     * "left" is the number of bytes still to be done, from "gpa" on; a refusal says so too.
     */
    public Answer tryPrefault(long gpa, long size) {
        return agent.attempt("vcpu.prefault", prefaultArguments(gpa, size));
    }

    /** The same as a job, for what may block. */
    public Job prefaultAsJob(long gpa, long size) {
        return Job.start(agent, "vcpu.prefault", prefaultArguments(gpa, size));
    }

    /** What an agent is asked for to have it do so, for others to ask. */
    public Map<String, Object> prefaultArguments(long gpa, long size) {
        return Map.of("vcpu", name, "gpa", gpa, "size", size);
    }

    /** How many accesses of the command that it is at have happened. */
    public long done() {
        return state().number("done");
    }

    /** Whether a command is being obeyed. */
    public boolean running() {
        return state().json().required("running").asBoolean();
    }

    private Answer state() {
        return agent.call("vcpu.state", Map.of("vcpu", name));
    }

    /**
     * Waits until that many accesses of a running command have happened.
     *
     * @throws AssertionError when they have not after the limit
     */
    public void awaitDone(long count, Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        while (!running() || done() < count) {
            if (System.nanoTime() > end) {
                throw new AssertionError(name + " does not come so far: " + state().json());
            }
        }
    }

    /** Has a running command complete after the access it is at. */
    public void stop() {
        agent.call("vcpu.stop", Map.of("vcpu", name));
    }

    /** Has KVM_RUN, whose exit is {@code intr}, or a prefault return with EINTR. */
    public void interrupt() {
        agent.call("vcpu.interrupt", Map.of("vcpu", name));
    }

    /** Goes on after an exit, with the instruction that caused it. */
    public Exit resume() {
        return exit("vcpu.resume", Map.of("vcpu", name));
    }

    /** The same as a job, for what may block. */
    public Job resumeAsJob() {
        return Job.start(agent, "vcpu.resume", Map.of("vcpu", name));
    }

    /** Closes it; its machine's handle may be gone. */
    public void close() {
        agent.call("handle.close", Map.of("name", name));
    }

    /** What an agent is asked for to have it load 8 bytes, for others to ask. */
    public Map<String, Object> arguments(long gpa) {
        return arguments(gpa, Long.BYTES);
    }

    private Exit exit(String op, Map<String, ?> arguments) {
        return new Exit(agent.call(op, arguments));
    }

    private Exit expectComplete(Exit exit) {
        if (!exit.complete()) {
            throw new AssertionError(name + " could not: " + exit);
        }
        return exit;
    }

    private Map<String, Object> arguments(long gpa, int width) {
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("vcpu", name);
        arguments.put("gpa", gpa);
        arguments.put("width", width);
        return arguments;
    }

    private Map<String, Object> arguments(long gpa, int width, long value) {
        Map<String, Object> arguments = arguments(gpa, width);
        arguments.put("value", Hexadecimal.of(value));
        return arguments;
    }

    private static Map<String, Object> several(
            Map<String, Object> arguments, long count, long stride) {
        arguments.put("count", count);
        arguments.put("stride", stride);
        return arguments;
    }
}
