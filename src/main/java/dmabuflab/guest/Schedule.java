// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An order in which the guest's CPUs are to pass points of its kernel. A line of its file is a
 * point; {@code #} begins a comment:
 *
 * <pre>
 * dma_buf_get_pfn_unlocked returns 0   # a fault has its PFN
 * kvm_dmabuf_invalidate returns        # a revoke comes
 * kvm_dmabuf_get_pfn returns           # before the fault goes on
 * </pre>
 *
 * @param points at least two
 */
public record Schedule(List<Point> points) {
    private static final Pattern LINE =
            Pattern.compile("(?<function>[\\w.]+)(?<returns>\\s+returns(\\s+(?<value>-?\\d+))?)?");

    /**
     * A place in the kernel.
     *
     * @param function it is before its first instruction
     * @param returns it is after its last one instead
     * @param value what the function has to return for that, an int; empty for whatever it does
     */
    public record Point(String function, boolean returns, OptionalInt value) {
        @Override
        public String toString() {
            return function
                    + (returns ? " returns" : "")
                    + (value.isPresent() ? " " + value.getAsInt() : "");
        }
    }

    /**
     * Reads a file.
     *
     * @throws InfrastructureException when it is none of these
     */
    public static Schedule read(Path file) {
        try {
            return parse(file.toString(), Files.readString(file));
        } catch (IOException e) {
            throw Disk.failure("cannot read the schedule " + file, file, e);
        }
    }

    static Schedule parse(String name, String text) {
        List<Point> points = new ArrayList<>();
        int number = 0;
        for (String line : text.lines().toList()) {
            number++;
            String point = line.replaceFirst("#.*", "").strip();
            if (!point.isEmpty()) {
                points.add(point(name + ":" + number, point));
            }
        }
        if (points.size() < 2) {
            throw wrong(name, "it has fewer than two points, so no order");
        }
        return new Schedule(List.copyOf(points));
    }

    private static Point point(String where, String text) {
        Matcher line = LINE.matcher(text);
        if (!line.matches()) {
            throw wrong(where, "no point: " + text);
        }
        String value = line.group("value");
        try {
            return new Point(
                    line.group("function"),
                    line.group("returns") != null,
                    value == null ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(value)));
        } catch (NumberFormatException e) {
            throw wrong(where, value + " is not what a C int can be");
        }
    }

    private static InfrastructureException wrong(String where, String why) {
        return new InfrastructureException(
                "cannot follow the schedule " + where,
                why,
                "a point is a line: FUNCTION, FUNCTION returns, or FUNCTION returns NUMBER");
    }
}
