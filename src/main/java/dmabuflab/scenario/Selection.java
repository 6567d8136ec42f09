// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Which scenarios a user means: any whose name, class, tag or rule matches one of the patterns, and
 * of those with parameters any case whose name or one of whose values does.
 *
 * @param patterns shell-style, such as {@code UR2}, {@code 'IO*'}, {@code Revocation.*}, {@code
 *     amd}, {@code Class.method[amd]}; empty for all
 */
public record Selection(List<String> patterns) {
    private static final String PARAMETER = "dmabuflab.select";

    /** Brackets behind a full name are a case; elsewhere they are a shell pattern's. */
    private static final Pattern CASE = Pattern.compile("(.*\\..*?)\\[(.*)]");

    public static final Selection ALL = new Selection(List.of());

    /** Reads it back from configuration parameters. */
    static Selection from(Function<String, Optional<String>> parameters) {
        return parameters
                .apply(PARAMETER)
                .map(lines -> new Selection(lines.lines().toList()))
                .orElse(ALL);
    }

    /** The configuration parameters that carry it to where cases are made. */
    Map<String, String> toParameters() {
        return patterns.isEmpty() ? Map.of() : Map.of(PARAMETER, String.join("\n", patterns));
    }

    /** True when the scenario is meant, or one of its cases. */
    public boolean includes(Listing scenario) {
        return patterns.isEmpty() || patterns.stream().anyMatch(p -> matches(p, scenario));
    }

    /** True when this case of the scenario is meant. */
    boolean includes(Listing scenario, String name) {
        return patterns.isEmpty()
                || patterns.stream().anyMatch(p -> matchesCase(p, scenario, name));
    }

    /**
     * What is meant of a scenario, by full names: itself, or some of its cases, or nothing. In a
     * selection of its own each name means just that.
     */
    public List<String> names(Listing scenario) {
        List<String> some = runs(scenario);
        boolean all = includes(scenario) && some.size() == scenario.cases().size();
        return all ? List.of(scenario.id().toString()) : some;
    }

    /** What is run for a scenario, each by its full name: itself, or those cases that are meant. */
    public List<String> runs(Listing scenario) {
        List<String> cases = scenario.cases();
        if (cases.isEmpty()) {
            return includes(scenario) ? List.of(scenario.id().toString()) : List.of();
        }
        return cases.stream()
                .filter(name -> includes(scenario, name))
                .map(name -> scenario.id() + "[" + name + "]")
                .toList();
    }

    /** The patterns that match none of these scenarios: most likely mistyped. */
    public List<String> unmatched(List<Listing> scenarios) {
        return patterns.stream()
                .filter(p -> scenarios.stream().noneMatch(s -> matches(p, s)))
                .toList();
    }

    private static boolean matches(String pattern, Listing scenario) {
        if (!scenario.parameters().isEmpty()) {
            return scenario.cases().stream().anyMatch(name -> matchesCase(pattern, scenario, name));
        }
        // Cases that are not known before they run are selected together, by the exact name.
        Matcher bracketed = CASE.matcher(pattern);
        return bracketed.matches()
                ? bracketed.group(1).equals(scenario.id().toString())
                : matchesWhole(pattern, scenario);
    }

    private static boolean matchesCase(String pattern, Listing scenario, String name) {
        Matcher bracketed = CASE.matcher(pattern);
        if (bracketed.matches()) {
            return matchesWhole(bracketed.group(1), scenario)
                    && glob(bracketed.group(2), Stream.of(name));
        }
        return matchesWhole(pattern, scenario) || glob(pattern, Arrays.stream(name.split(",")));
    }

    private static boolean matchesWhole(String pattern, Listing scenario) {
        return glob(
                pattern,
                Stream.of(
                                Stream.of(
                                        scenario.id().toString(),
                                        scenario.id().className(),
                                        scenario.id().method()),
                                scenario.rules().stream(),
                                scenario.tags().stream())
                        .flatMap(s -> s));
    }

    private static boolean glob(String pattern, Stream<String> names) {
        PathMatcher glob = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
        return names.anyMatch(name -> glob.matches(Path.of(name)));
    }
}
