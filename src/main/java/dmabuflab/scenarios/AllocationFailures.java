// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Fault;
import dmabuflab.scenario.Testbed;
import java.util.Map;
import java.util.function.Consumer;

/** Has each allocation of an operation fail once, one after the other. */
final class AllocationFailures {
    /** More allocations than any operation makes: a sweep without an end is a defect. */
    private static final int LIMIT = 500;

    private AllocationFailures() {}

    /**
     * Performs an operation with its first allocation failing, then its second, and so on until it
     * makes no more.
     *
     * @param check looks at what is left, and makes the next attempt possible
     * @return how many allocations there are
     */
    static int sweep(Testbed bed, String op, Map<String, ?> arguments, Consumer<Answer> check) {
        Fault fault = new Fault(bed.agent());
        for (int n = 1; n < LIMIT; n++) {
            Fault.Injection injection = fault.nth(n, op, arguments);
            check.accept(injection.answer());
            if (!injection.injected()) {
                assertThat(injection.answer().ok()).as("without any failure").isTrue();
                return n - 1;
            }
        }
        throw new AssertionError("still allocations that fail after " + LIMIT);
    }
}
