// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.GuestHung;
import dmabuflab.report.Outcome;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.opentest4j.TestAbortedException;

/** Sorts what a scenario ended with into the outcome classes, which are never merged. */
final class Verdict {
    private Verdict() {}

    /** The outcome that a failure stands for; none means passed. */
    static Outcome of(Optional<Throwable> failure) {
        if (failure.isEmpty()) {
            return Outcome.PASSED;
        }
        // A kernel that complained outranks what went wrong as a consequence.
        if (find(GuestCrashed.class, failure.get()).isPresent()) {
            return Outcome.CRASHED;
        }
        Throwable thrown = failure.get();
        if (find(ScheduleNotKept.class, thrown).isPresent()) {
            return Outcome.INFRASTRUCTURE; // and all else may be a consequence
        } else if (thrown instanceof TestAbortedException) {
            return Outcome.SKIPPED;
        } else if (thrown instanceof GuestHung) {
            return Outcome.HUNG;
        } else if (thrown instanceof AssertionError) {
            return Outcome.FAILED;
        }
        return Outcome.INFRASTRUCTURE; // ours, whatever it is
    }

    /**
     * The outcome of a scenario that failed and whose guest then had something to add, or not.
     *
     * @param failure what the scenario failed with
     * @param found what was found afterwards
     */
    static Outcome of(Optional<Throwable> failure, Optional<Throwable> found) {
        boolean outranks =
                of(found) == Outcome.CRASHED || found.orElse(null) instanceof ScheduleNotKept;
        return of(outranks ? found : failure.or(() -> found));
    }

    /** What to tell first. */
    static String message(Throwable failure) {
        Optional<Throwable> first =
                find(GuestCrashed.class, failure).or(() -> find(ScheduleNotKept.class, failure));
        String message = (first.isPresent() ? first.get() : failure).getMessage();
        return message == null ? failure.toString() : message.strip();
    }

    static String details(Throwable failure) {
        StringWriter text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    private static Optional<Throwable> find(Class<?> kind, Throwable failure) {
        Deque<Throwable> toVisit = new ArrayDeque<>();
        toVisit.add(failure);
        while (!toVisit.isEmpty()) {
            Throwable next = toVisit.remove();
            if (kind.isInstance(next)) {
                return Optional.of(next);
            }
            toVisit.addAll(List.of(next.getSuppressed()));
            if (next.getCause() != null) {
                toVisit.add(next.getCause());
            }
        }
        return Optional.empty();
    }
}
