// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Map;

/** A process of its own in the guest that performs operations, and that can be killed. */
public final class GuestProcess {
    private final Agent parent;
    private final String name;
    private final long pid;

    private GuestProcess(Agent parent, String name, long pid) {
        this.parent = parent;
        this.name = name;
        this.pid = pid;
    }

    public static GuestProcess start(Agent agent, String name) {
        return start(agent, Map.of("name", name), name);
    }

    /** Starts one in a network namespace of its own, where only lo is. */
    public static GuestProcess startApart(Agent agent, String name) {
        return start(agent, Map.of("name", name, "netns", 1), name);
    }

    private static GuestProcess start(Agent agent, Map<String, ?> arguments, String name) {
        return new GuestProcess(agent, name, agent.call("process.start", arguments).number("pid"));
    }

    public String name() {
        return name;
    }

    public long pid() {
        return pid;
    }

    /**
     * Performs operations in this process, where handles are its own. It does one at a time, so
     * what may block while others go on is for a {@link Job} of this agent.
     */
    public Agent agent() {
        return new ProcessAgent(parent, name);
    }

    /** Gives it a dma-buf under the same name. */
    public DmaBuf give(DmaBuf buffer) {
        parent.call("process.give", Map.of("name", name, "dmabuf", buffer.name()));
        return new DmaBuf(agent(), buffer.name());
    }

    /** Kills it, whatever it is doing, and returns when all that it had open is closed. */
    public void kill() {
        parent.call("process.kill", Map.of("name", name));
    }

    /** The same as a job, for an end that is made to take long. */
    public Job killAsJob() {
        return Job.start(parent, "process.kill", Map.of("name", name));
    }

    /** Speaks to a process through the agent that has started it. */
    private static final class ProcessAgent extends Agent {
        private final Agent parent;
        private final String process;

        ProcessAgent(Agent parent, String process) {
            super(parent);
            this.parent = parent;
            this.process = process;
        }

        @Override
        public Answer attempt(String op, Map<String, ?> arguments) {
            return parent.attempt(
                    "process.call", Map.of("name", process, "run", op, "args", arguments));
        }
    }
}
