// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.Taint;
import dmabuflab.witness.ConsoleFinding;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The kernel under test reported a defect of its own. */
public final class GuestCrashed extends RuntimeException {
    private static final long serialVersionUID = 1;

    /**
     * @param source where in the source a report leads to, in lines
     */
    GuestCrashed(List<ConsoleFinding> findings, Function<ConsoleFinding, List<String>> source) {
        super(
                findings.stream()
                        .map(finding -> text(finding, source.apply(finding)))
                        .collect(Collectors.joining("\n\n")));
    }

    private static String text(ConsoleFinding finding, List<String> source) {
        return Stream.of(List.of(finding.toString()), source, finding.excerpt())
                .flatMap(List::stream)
                .collect(Collectors.joining("\n"));
    }

    /** One whose report was not found on the console. */
    GuestCrashed(Taint taint) {
        super(
                "the kernel is tainted by "
                        + String.join(" and ", taint.complaints())
                        + ", of which no report was found on its console; look into console.log");
    }
}
