// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** An agent operation running in a thread of its own, for calls that are expected to block. */
public final class Job {
    private final Agent agent;
    private final long id;

    private Job(Agent agent, long id) {
        this.agent = agent;
        this.id = id;
    }

    public static Job start(Agent agent, String op, Map<String, ?> arguments) {
        return new Job(
                agent, agent.call("job.start", Map.of("run", op, "args", arguments)).number("job"));
    }

    /** The operation's answer, or empty when it is still running after the limit. */
    public Optional<Answer> await(Duration limit) {
        Answer answer = agent.call("job.wait", Map.of("job", id, "timeout_ms", limit.toMillis()));
        return answer.json().path("done").asBoolean()
                ? Optional.of(new Answer(answer.json().required("answer")))
                : Optional.empty();
    }
}
