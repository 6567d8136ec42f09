// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.time.Duration;
import java.util.Map;

/**
 * A call inside the guest's kernel that is held where it ends, so that a race takes place in one
 * order only. Other calls of the function return as ever. There is one at a time.
 */
public final class Hold implements AutoCloseable {
    private static final String NAME = "hold";

    private final Agent agent;

    private Hold(Agent agent) {
        this.agent = agent;
    }

    /**
     * Holds the next call of a function that comes to its end.
     *
     * @param function one that may sleep there, and has at most six arguments
     */
    public static Hold at(Agent agent, String function) {
        agent.call("hold.at", Map.of("function", function, "name", NAME));
        return new Hold(agent);
    }

    /**
     * Waits until a call is held.
     *
     * @throws AssertionError when none is after the limit
     */
    public void await(Duration limit) {
        Answer answer =
                agent.call("hold.wait", Map.of("name", NAME, "timeout_ms", limit.toMillis()));
        if (!answer.json().required("held").asBoolean()) {
            throw new AssertionError("nobody has called the function that is to be held");
        }
    }

    /** Lets the call return. */
    @Override
    public void close() {
        agent.call("handle.close", Map.of("name", NAME));
    }
}
