// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.List;
import java.util.stream.Stream;

/**
 * Which scenarios a user means: any whose name, class, tag or rule matches one of the patterns.
 *
 * @param patterns shell-style, such as {@code UR2}, {@code 'IO*'}, {@code Revocation.*}; empty for
 *     all
 */
public record Selection(List<String> patterns) {

    public static final Selection ALL = new Selection(List.of());

    /** True when the scenario is meant. */
    public boolean includes(Listing scenario) {
        return patterns.isEmpty() || patterns.stream().anyMatch(p -> matches(p, scenario));
    }

    /** The patterns that match none of these scenarios: most likely mistyped. */
    public List<String> unmatched(List<Listing> scenarios) {
        return patterns.stream()
                .filter(p -> scenarios.stream().noneMatch(s -> matches(p, s)))
                .toList();
    }

    private static boolean matches(String pattern, Listing scenario) {
        // Brackets name one case of a parameterized scenario; selected as a whole.
        String name = pattern.contains(".") ? pattern.replaceFirst("\\[.*]$", "") : pattern;
        PathMatcher glob = FileSystems.getDefault().getPathMatcher("glob:" + name);
        Stream<String> names =
                Stream.of(
                                Stream.of(
                                        scenario.id().toString(),
                                        scenario.id().className(),
                                        scenario.id().method()),
                                scenario.rules().stream(),
                                scenario.tags().stream())
                        .flatMap(s -> s);
        return names.anyMatch(n -> glob.matches(Path.of(n)));
    }
}
