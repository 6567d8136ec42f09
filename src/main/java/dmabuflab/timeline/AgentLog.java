// SPDX-License-Identifier: Apache-2.0
package dmabuflab.timeline;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.guest.Guest;
import dmabuflab.report.SequenceDiagram.Lane;
import dmabuflab.report.SequenceDiagram.Source;
import dmabuflab.report.SequenceDiagram.Tone;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the lab asked the agent to do and when, on the host's clock, read from agent.log; and how
 * the guest's clock compares to that.
 */
final class AgentLog {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern BEGAN = Pattern.compile(Pattern.quote(Guest.BEGAN) + "(\\S+)");
    private static final Pattern LINE = Pattern.compile("\\s*([\\d.]+) ([→←]) (.*)");

    /** What can be told of an answer that was too long to be kept. */
    private static final Pattern CUT = Pattern.compile("\\{\"id\":(\\d+),\"ok\":(true|false),.*");

    /** Preparations, and questions of the lab's own. */
    private static final Pattern UNINTERESTING =
            Pattern.compile(
                    "(agent|trace|pci|file|program|net|handle|kmemleak|rlimit|dmabuf.size).*");

    private static final int LONGEST_VALUE = 24;

    /** A request that has no answer yet. */
    private record Request(JsonNode json, double at) {}

    private final List<Step> steps = new ArrayList<>();
    private final Map<Long, Request> open = new HashMap<>();
    private Clock clock;
    private double began;

    /**
     * How the guest's monotonic clock compares to the host's.
     *
     * @param ahead seconds to be added to the former
     * @param error by how much that may be wrong
     */
    record Clock(double ahead, double error) {}

    static AgentLog parse(String text) {
        AgentLog log = new AgentLog();
        text.lines().forEach(log::line);
        return log;
    }

    List<Step> steps() {
        return steps;
    }

    /** Empty when the agent has never told its time. */
    Optional<Clock> clock() {
        return Optional.ofNullable(clock);
    }

    private void line(String line) {
        Matcher start = BEGAN.matcher(line);
        if (start.matches()) {
            began = seconds(Instant.parse(start.group(1)));
        }
        Matcher m = LINE.matcher(line);
        if (!m.matches()) {
            return;
        }
        double at = began + Double.parseDouble(m.group(1));
        boolean request = m.group(2).equals("→");
        Optional<JsonNode> json = json(m.group(3));
        long id = json.map(each -> each.path("id").asLong()).orElse(0L);
        if (request && json.isPresent()) {
            open.put(id, new Request(json.get(), at));
            request(json.get(), at);
        } else if (!request && json.isPresent() && json.get().has("ok")) {
            answer(id, json.get(), at);
        }
    }

    /** Empty for a line that was cut, unless it is an answer. */
    private static Optional<JsonNode> json(String text) {
        Matcher cut = CUT.matcher(text);
        String whole =
                text.endsWith(" …") && cut.matches()
                        ? "{\"id\":%s,\"ok\":%s}".formatted(cut.group(1), cut.group(2))
                        : text;
        try {
            return Optional.of(JSON.readTree(whole));
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    private void request(JsonNode json, double at) {
        String op = json.path("op").asText();
        if (!UNINTERESTING.matcher(op).matches()) {
            steps.add(step(at, Lane.SCENARIO, lane(op), Tone.PLAIN, op, words(json)));
        }
    }

    private void answer(long id, JsonNode json, double at) {
        Request request = open.remove(id);
        if (request == null) {
            return;
        }
        String op = request.json().path("op").asText();
        if (json.has("monotonic_ns")) {
            compare(request.at(), at, json.path("monotonic_ns").asLong() / 1e9);
        }
        if (UNINTERESTING.matcher(op).matches()) {
            return;
        }
        boolean ok = json.path("ok").asBoolean();
        String words = ok ? op + " returns" : op + ": " + json.path("error").asText("refused");
        Tone tone = ok ? Tone.RETURN : Tone.REFUSED;
        steps.add(step(at, lane(op), Lane.SCENARIO, tone, op + " returns", words));
    }

    /** The shortest exchange knows best. */
    private void compare(double asked, double answered, double guest) {
        double error = (answered - asked) / 2;
        if (clock == null || error < clock.error()) {
            clock = new Clock(asked + error - guest, error);
        }
    }

    private static Step step(double at, Lane from, Lane to, Tone tone, String kind, String words) {
        return new Step(at, Source.LAB, from, to, tone, kind, words);
    }

    private static Lane lane(String op) {
        return switch (op.substring(0, Math.max(0, op.indexOf('.')))) {
            case "vfio" ->
                    op.endsWith(".attach") || op.endsWith(".detach") ? Lane.IOMMU : Lane.EXPORTER;
            case "dmabuf", "exporter", "storm" -> Lane.EXPORTER;
            case "importer", "ioas", "hwpt", "kvm", "mr", "rdma", "drm" -> Lane.IMPORTER;
            case "vcpu", "mapping" -> Lane.CPU;
            case "edu" -> Lane.DEVICE;
            default -> Lane.SCENARIO;
        };
    }

    private static String words(JsonNode json) {
        StringBuilder words = new StringBuilder(json.path("op").asText());
        for (Map.Entry<String, JsonNode> field : json.properties()) {
            if (!field.getKey().equals("id") && !field.getKey().equals("op")) {
                words.append(' ').append(field.getKey()).append('=');
                words.append(value(field.getKey(), field.getValue()));
            }
        }
        return words.toString();
    }

    private static String value(String name, JsonNode value) {
        if (value.isNumber() && (name.equals("iova") || name.equals("gpa"))) {
            return "0x%x".formatted(value.asLong());
        }
        String text = value.isTextual() ? value.asText() : value.toString();
        return text.length() <= LONGEST_VALUE ? text : text.substring(0, LONGEST_VALUE) + "…";
    }

    static double seconds(Instant instant) {
        return instant.getEpochSecond() + instant.getNano() / 1e9;
    }
}
