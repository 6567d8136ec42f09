// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Map;

/** Failures inside the guest's kernel, on request. */
public final class Fault {
    /**
     * An operation one of whose allocations was to fail.
     *
     * @param injected false when it makes fewer allocations than that: nothing has failed
     * @param answer the operation's own
     */
    public record Injection(boolean injected, Answer answer) {}

    private final Agent agent;

    public Fault(Agent agent) {
        this.agent = agent;
    }

    /** Performs an operation with the n-th allocation of its system calls failing, from 1. */
    public Injection nth(int n, String op, Map<String, ?> arguments) {
        Answer answer = agent.call("fault.nth", Map.of("n", n, "run", op, "args", arguments));
        return new Injection(
                answer.json().required("injected").asBoolean(),
                new Answer(answer.json().required("answer")));
    }

    /**
     * Has a function of the kernel fail, whoever calls it, until {@link #clear}: the first {@code
     * skip} calls go through, {@code times} fail. There is one such function at a time.
     */
    public void function(String name, String errno, int times, int skip) {
        agent.call("fault.function", functionArguments(name, errno, times, skip));
    }

    /** The same where the kernel may refuse: ERANGE for a function that is not meant to fail. */
    public Answer tryFunction(String name, String errno, int times, int skip) {
        return agent.attempt("fault.function", functionArguments(name, errno, times, skip));
    }

    private static Map<String, ?> functionArguments(
            String name, String errno, int times, int skip) {
        return Map.of("name", name, "errno", errno, "times", times, "skip", skip);
    }

    /** No function fails any more; returns how often it has. */
    public long clear() {
        return agent.call("fault.function.clear", Map.of()).number("injected");
    }
}
