// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Operations against each other. Each lane is a thread in the guest that repeats its steps until
 * the time is over, and then finishes the round it is in.
 */
public final class Race {
    /** An operation of a lane, with its arguments. */
    public record Step(String op, Map<String, ?> arguments) {}

    /**
     * How a step went, over all rounds.
     *
     * @param missed how often there was no handle, because another lane had or was closing it
     * @param errors how often it failed with each errno
     * @param exits how often a {@link Vcpu} came back with each {@link Exit#reason}, or a {@link
     *     WorkRequest} ended with each status, in the agent's words
     */
    public record Count(
            String op, long ok, long missed, Map<String, Long> errors, Map<String, Long> exits) {
        public long failed() {
            return errors.values().stream().mapToLong(Long::longValue).sum();
        }
    }

    /** What became of a lane, its steps in their order. */
    public record Lane(long rounds, List<Count> steps) {}

    private final Agent agent;
    private final List<List<Map<String, ?>>> lanes = new ArrayList<>();

    public Race(Agent agent) {
        this.agent = agent;
    }

    /** Adds a lane that performs these steps over and over. */
    public Race lane(Step... steps) {
        List<Map<String, ?>> lane = new ArrayList<>();
        for (Step step : steps) {
            lane.add(Map.of("run", step.op(), "args", step.arguments()));
        }
        lanes.add(lane);
        return this;
    }

    /** Runs all lanes, in whole seconds, and at least one round of each. */
    public List<Lane> run(Duration time) {
        Answer answer = agent.call("race.run", Map.of("seconds", time.toSeconds(), "lanes", lanes));
        List<Lane> result = new ArrayList<>();
        for (JsonNode lane : answer.json().required("lanes")) {
            List<Count> steps = new ArrayList<>();
            lane.required("ops").forEach(step -> steps.add(count(step)));
            result.add(new Lane(lane.required("rounds").asLong(), steps));
        }
        return result;
    }

    private static Count count(JsonNode step) {
        return new Count(
                step.required("run").asText(),
                step.required("ok").asLong(),
                step.required("missed").asLong(),
                counts(step.required("errors")),
                counts(step.required("exits")));
    }

    private static Map<String, Long> counts(JsonNode json) {
        Map<String, Long> counts = new TreeMap<>();
        json.properties().forEach(each -> counts.put(each.getKey(), each.getValue().asLong()));
        return counts;
    }
}
