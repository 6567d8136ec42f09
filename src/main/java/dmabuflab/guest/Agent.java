// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dmabuflab.host.InfrastructureException;
import dmabuflab.qemu.JsonLines;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * The agent inside the guest: one request, one answer, events in between.
 *
 * <p>Every operation here is a {@code labctl} subcommand in the guest with the same words. Not
 * thread-safe: a scenario is one thread.
 */
public class Agent {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Operations that say nothing about the memory under test. */
    private static final Pattern BOOKKEEPING =
            Pattern.compile("(agent|trace|pci)\\.|program\\.(put|output)");

    /** Of an argument, in a message; a program that is sent has a million characters. */
    private static final int LONGEST_VALUE = 500;

    private final JsonLines channel;
    private Consumer<String> observer = line -> {};
    private Duration silence;
    private BooleanSupplier otherSign = () -> false;
    private long lastId;
    private long stopBefore;
    private Consumer<String> atStop = line -> {};

    Agent(JsonLines channel, Duration silence) {
        this.channel = channel;
        this.silence = silence;
    }

    /** One that is spoken to over another one's channel. */
    Agent(Agent other) {
        this(other.channel, other.silence);
    }

    /**
     * Sets how long the agent may be silent, answers and events both counting as a sign of life.
     */
    void allowSilence(Duration limit) {
        allowSilence(limit, () -> false);
    }

    /**
     * The same.
     *
     * @param otherSign whether the guest has given another one since this was last asked; asked
     *     each time the limit has passed
     */
    void allowSilence(Duration limit, BooleanSupplier otherSign) {
        this.silence = limit;
        this.otherSign = otherSign;
    }

    Duration silence() {
        return silence;
    }

    /** Has someone told, in one line, what the guest's kernel answered to each operation. */
    public void observe(Consumer<String> observer) {
        this.observer = observer;
    }

    /**
     * Has something done before an operation is performed. What it asks the agent itself is not
     * counted.
     *
     * @param number as {@code id} in agent.log
     * @param act is told the operation in the words of labctl
     */
    public void before(long number, Consumer<String> act) {
        stopBefore = number;
        atStop = act;
    }

    /** How many operations there were. */
    public long operations() {
        return lastId;
    }

    /**
     * Performs an operation that has to succeed.
     *
     * @throws AgentRefusal when the guest's kernel says no
     * @throws GuestHung when the guest falls silent
     */
    public Answer call(String op, Map<String, ?> arguments) {
        Answer answer = attempt(op, arguments);
        if (!answer.ok()) {
            throw new AgentRefusal(words(op, arguments), answer);
        }
        return answer;
    }

    /** Performs an operation whose failure is an answer like any other. */
    public Answer attempt(String op, Map<String, ?> arguments) {
        if (lastId + 1 == stopBefore) {
            stopBefore = 0;
            atStop.accept(words(op, arguments));
        }
        ObjectNode request = JSON.createObjectNode().put("id", ++lastId).put("op", op);
        request.setAll((ObjectNode) JSON.valueToTree(arguments));
        try {
            channel.send(request);
            while (true) {
                JsonNode line = channel.next(silence);
                while (line == null && otherSign.getAsBoolean()) {
                    line = channel.next(silence);
                }
                if (line == null) {
                    throw new GuestHung(
                            words(op, arguments)
                                    + ": no sign of life for "
                                    + silence.toMillis()
                                    + " ms");
                }
                if (line.path("id").asLong() == lastId && !line.has("event")) {
                    return understood(op, arguments, new Answer(line));
                }
            }
        } catch (IOException e) {
            throw gone(words(op, arguments), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw gone(words(op, arguments), e);
        }
    }

    /**
     * Says goodbye and waits for the agent's last word, so that a lost answer cannot pass
     * unnoticed.
     */
    void bye() {
        call("agent.bye", Map.of());
        try {
            JsonNode last = channel.next(silence);
            while (last != null && !last.path("event").asText().equals("done")) {
                last = channel.next(silence);
            }
            if (last == null) {
                throw new GuestHung("the agent did not say it was done");
            }
        } catch (IOException e) {
            throw gone("agent.bye", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw gone("agent.bye", e);
        }
    }

    private Answer understood(String op, Map<String, ?> arguments, Answer answer) {
        if (answer.json().path("usage").asBoolean()) {
            throw new InfrastructureException(
                    "the agent does not understand " + words(op, arguments),
                    answer.error(),
                    "guest-tools/labctl and the scenario disagree; `labctl help` in the guest");
        }
        if (!BOOKKEEPING.matcher(op).lookingAt()) {
            String json = answer.json().toString();
            observer.accept(
                    words(op, arguments)
                            + " -> "
                            + json.substring(0, Math.min(200, json.length())));
        }
        return answer;
    }

    private static InfrastructureException gone(String request, Exception cause) {
        return new InfrastructureException(
                "lost the guest during " + request,
                cause.getMessage(),
                "see console.log and qemu.log of this scenario",
                cause);
    }

    private static String words(String op, Map<String, ?> arguments) {
        StringBuilder words = new StringBuilder(op);
        arguments.forEach(
                (key, value) -> {
                    String text = String.valueOf(value);
                    boolean whole = text.length() <= LONGEST_VALUE;
                    words.append(' ').append(key).append('=');
                    words.append(whole ? text : text.substring(0, LONGEST_VALUE) + "…");
                });
        return words.toString();
    }
}
