// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.time.Instant;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A line of QEMU's "log" trace backend.
 *
 * @param at when, on the host's clock; present when QEMU runs with {@code -msg timestamp=on}
 * @param event the event's name
 * @param text its arguments, as QEMU words them
 */
public record TraceLine(Optional<Instant> at, String event, String text) {
    private static final Pattern LINE =
            Pattern.compile("(?:\\d+@(\\d+)\\.(\\d{6}):)?([a-z][a-z0-9]*_\\w+)(?: (.*))?");

    /** Splits a line; empty when it is none of the trace, like a warning of QEMU's. */
    public static Optional<TraceLine> of(String line) {
        Matcher m = LINE.matcher(line.strip());
        if (!m.matches()) {
            return Optional.empty();
        }
        Optional<Instant> at =
                m.group(1) == null
                        ? Optional.empty()
                        : Optional.of(
                                Instant.ofEpochSecond(
                                        Long.parseLong(m.group(1)),
                                        Long.parseLong(m.group(2)) * 1000));
        return Optional.of(
                new TraceLine(at, m.group(3), m.group(4) == null ? "" : m.group(4).strip()));
    }

    /**
     * Makes something of the arguments.
     *
     * @throws MalformedTraceException when they are not of this form, or a number is out of range
     */
    <T> Optional<T> map(Pattern form, Function<Matcher, T> make) {
        Matcher m = form.matcher(text);
        if (!m.matches()) {
            throw malformed("is not of the form " + form);
        }
        try {
            return Optional.of(make.apply(m));
        } catch (IllegalArgumentException e) {
            throw malformed(e.getMessage());
        }
    }

    MalformedTraceException malformed(String why) {
        return new MalformedTraceException("QEMU's trace: \"" + event + " " + text + "\": " + why);
    }
}
