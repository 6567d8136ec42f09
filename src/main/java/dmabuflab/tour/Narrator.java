// SPDX-License-Identifier: Apache-2.0
package dmabuflab.tour;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dmabuflab.guest.Agent;
import dmabuflab.guest.Answer;
import dmabuflab.scenario.Witness;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Tells the story on a terminal of 80 columns, and holds it against what is seen. */
final class Narrator {
    private static final int COLUMNS = 78;

    /** As the prompt of {@code ./lab shell} is. */
    private static final String LABCTL = "  guest:/# labctl ";

    /** Of an answer: what differs each time, and what says the same at length. */
    private static final List<String> UNTOLD =
            List.of("id", "ns", "time_ns", "reason", "call", "error", "lost");

    private final PrintWriter out;
    private final Agent agent;

    Narrator(PrintWriter out, Agent agent) {
        this.out = out;
        this.agent = agent;
    }

    void say(String text) {
        out.println();
        out.println(text.strip());
        out.println();
        out.flush();
    }

    /** Has the agent do what labctl would have it do, with the same words; it has to succeed. */
    Answer labctl(String words) {
        return labctl(words, "");
    }

    /**
     * The same with something that the kernel has to refuse.
     *
     * @throws AssertionError when it does not, or with another error
     */
    Answer labctl(String words, String errno) {
        done(words);
        List<String> split = List.of(words.split(" ", -1));
        Map<String, String> arguments = new LinkedHashMap<>();
        for (String word : split.subList(1, split.size())) {
            int equals = word.indexOf('=');
            arguments.put(word.substring(0, equals), word.substring(equals + 1));
        }
        Answer answer = agent.attempt(split.get(0), arguments);
        show(answer);
        boolean asTold = errno.isEmpty() ? answer.ok() : answer.errno().equals(errno);
        if (!asTold) {
            throw new AssertionError(
                    "%s should %s, and did this: %s"
                            .formatted(
                                    split.get(0),
                                    errno.isEmpty() ? "succeed" : "fail with " + errno,
                                    answer.json()));
        }
        return answer;
    }

    /** Shows an operation that has been performed. */
    void done(String words) {
        print(LABCTL, words.split(" ", -1), " ", " \\");
    }

    private void show(Answer answer) {
        ObjectNode json = answer.json().deepCopy();
        json.remove(UNTOLD);
        json.path("events").forEach(event -> ((ObjectNode) event).remove(UNTOLD));
        if (json.size() > 1 || !answer.ok()) {
            print("  ", json.toString().split("(?<=,)", -1), "", "");
        }
        out.flush();
    }

    /** Prints words in as few lines as there is room for. */
    private void print(String begin, String[] words, String between, String end) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder(begin).append(words[0]);
        for (int i = 1; i < words.length; i++) {
            if (line.length() + between.length() + words[i].length() > COLUMNS) {
                lines.add(line + end);
                line = new StringBuilder("      ").append(words[i]);
            } else {
                line.append(between).append(words[i]);
            }
        }
        lines.add(line.toString());
        lines.forEach(out::println);
    }

    /**
     * Tells what a witness has seen.
     *
     * @param text with a {@code %s} for it
     * @throws AssertionError when it is not what the story says
     */
    void see(Witness witness, String text, Object seen, Object expected) {
        out.printf("  %-13s   %s%n", witness, text.formatted(seen));
        out.flush();
        if (!seen.equals(expected)) {
            throw new AssertionError(
                    "%s: %s%nas explained: %s"
                            .formatted(witness, text.formatted(seen), text.formatted(expected)));
        }
    }

    /**
     * Tells what the kernel has answered and what the hardware says of it.
     *
     * @param text with a {@code %s} for that
     * @throws AssertionError when it is not the same
     */
    void agree(String text, Object kernel, Object hardware) {
        out.printf("  %-13s   %s%n", Witness.KERNEL_ANSWER, text.formatted(kernel));
        out.printf("  %-13s   %s%n", Witness.HARDWARE, text.formatted(hardware));
        out.flush();
        if (!kernel.equals(hardware)) {
            throw new AssertionError(
                    "%s by the kernel's answer, but %s by the hardware"
                            .formatted(text.formatted(kernel), hardware));
        }
    }

    /** Tells what a witness has seen, which has to be true. */
    void see(Witness witness, String text, boolean seen) {
        see(witness, text + ": %s", seen ? "yes" : "no", "yes");
    }
}
