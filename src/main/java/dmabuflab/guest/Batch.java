// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.guest.Race.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Operations that the agent performs one after the other, in one thread and without being told. */
public final class Batch {
    private Batch() {}

    /**
     * Performs them all.
     *
     * @throws AgentRefusal at the first that fails
     */
    public static List<Answer> run(Agent agent, List<Step> steps) {
        List<Map<String, ?>> list = new ArrayList<>();
        steps.forEach(step -> list.add(Map.of("run", step.op(), "args", step.arguments())));
        List<Answer> answers = new ArrayList<>();
        agent.call("batch.run", Map.of("steps", list))
                .json()
                .required("answers")
                .forEach(answer -> answers.add(new Answer(answer)));
        return answers;
    }
}
