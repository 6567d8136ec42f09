// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.kernel.KernelRequest;
import dmabuflab.kernel.SourceTree;
import dmabuflab.qemu.ShellScript;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What the user chose, carried to the scenarios as JUnit configuration parameters, so that {@code
 * lab run} and {@code mvn verify -Ddmabuflab.kernel=debug} mean the same.
 *
 * @param kernel a target, a target and variant ({@code 7.3-debug}) or just a variant ({@code
 *     debug})
 * @param tree a commit of the user's own in place of the target's source and series
 * @param patches to apply on top
 * @param fragments Kconfig fragments after the target's own
 * @param report directory of the report, empty for a new dated one
 * @param accelerator "auto", "kvm" or "tcg"
 * @param cold boot every guest instead of loading a saved one
 * @param timeoutScale multiplies every limit
 * @param pin a schedule that scenarios are held to
 * @param dump keep the memory of the guests of red scenarios
 * @param tests C tests of the user's own, see {@link OwnTest}
 */
public record LabOptions(
        String kernel,
        Optional<SourceTree> tree,
        List<Path> patches,
        List<Path> fragments,
        Optional<Path> report,
        String accelerator,
        boolean cold,
        double timeoutScale,
        Optional<Path> pin,
        List<Path> tests,
        boolean dump) {

    /** Limits become days. */
    private static final double PATIENT = 10_000;

    private static final String PREFIX = "dmabuflab.";

    /** The system property that says in what container this is, as the user named it. */
    public static final String PLACE = "dmabuflab.in";

    public static final LabOptions DEFAULT =
            new LabOptions(
                    "7.3",
                    Optional.empty(),
                    List.of(),
                    List.of(),
                    Optional.empty(),
                    "auto",
                    false,
                    1,
                    Optional.empty(),
                    List.of(),
                    false);

    /** Reads them back from configuration parameters. */
    public static LabOptions from(Function<String, Optional<String>> parameters) {
        Function<String, Optional<String>> option = name -> parameters.apply(PREFIX + name);
        return new LabOptions(
                option.apply("kernel").orElse(DEFAULT.kernel),
                option.apply("tree")
                        .map(dir -> new SourceTree(Path.of(dir), option.apply("commit").get())),
                paths(option.apply("patches")),
                paths(option.apply("fragments")),
                option.apply("report").map(Path::of),
                option.apply("accel").orElse(DEFAULT.accelerator),
                option.apply("cold").map(Boolean::parseBoolean).orElse(DEFAULT.cold),
                option.apply("timeout-scale").map(Double::parseDouble).orElse(DEFAULT.timeoutScale),
                option.apply("pin").map(Path::of),
                paths(option.apply("tests")),
                option.apply("dump").map(Boolean::parseBoolean).orElse(DEFAULT.dump));
    }

    /** The command that runs just this scenario again, with the same kernel and guests. */
    String rerun(ScenarioId scenario) {
        StringBuilder words = new StringBuilder("./lab run");
        Optional.ofNullable(System.getProperty(PLACE))
                .ifPresent(place -> words.append(" --in ").append(place));
        if (!kernel.equals(DEFAULT.kernel)) {
            words.append(" --kernel ").append(kernel);
        }
        tree.ifPresent(
                from -> {
                    words.append(" --tree ");
                    words.append(ShellScript.quote(from.directory().toString()));
                    words.append(" --commit ").append(from.commit());
                });
        patches.forEach(
                each -> words.append(" --patch ").append(ShellScript.quote(each.toString())));
        fragments.forEach(
                each -> words.append(" --config ").append(ShellScript.quote(each.toString())));
        if (!accelerator.equals(DEFAULT.accelerator)) {
            words.append(" --accel ").append(accelerator);
        }
        if (timeoutScale != DEFAULT.timeoutScale) {
            words.append(" --timeout-scale ").append(timeoutScale);
        }
        tests.forEach(each -> words.append(" --test ").append(ShellScript.quote(each.toString())));
        pin.ifPresent(each -> words.append(" --pin ").append(ShellScript.quote(each.toString())));
        words.append(cold ? " --cold " : " ");
        return words.append(ShellScript.quote(scenario.toString())).toString();
    }

    /** The same on another target or variant. */
    public LabOptions onKernel(String other) {
        return with(Map.of("kernel", other));
    }

    /** The same on a kernel made of something else. */
    public LabOptions madeOf(
            Optional<SourceTree> otherTree, List<Path> otherPatches, List<Path> otherFragments) {
        return with(
                Map.of(
                        "tree",
                        otherTree.map(from -> from.directory().toString()).orElse(""),
                        "commit",
                        otherTree.map(SourceTree::commit).orElse(""),
                        "patches",
                        lines(otherPatches),
                        "fragments",
                        lines(otherFragments)));
    }

    /** The same on a kernel with these patches. */
    public LabOptions withPatches(List<Path> others) {
        return with(Map.of("patches", lines(others)));
    }

    /** The same for guests that a person stops for as long as it takes. */
    public LabOptions patient() {
        return with(Map.of("timeout-scale", Double.toString(PATIENT)));
    }

    /** The same, its scenarios held to a schedule. */
    public LabOptions pinnedTo(Optional<Path> schedule) {
        return with(Map.of("pin", lines(schedule.stream().toList())));
    }

    /** The same with tests of the user's own. */
    public LabOptions withTests(List<Path> others) {
        return with(Map.of("tests", lines(others)));
    }

    /** The same, with the memory of red guests kept or not. */
    public LabOptions dumping(boolean whetherTo) {
        return with(Map.of("dump", Boolean.toString(whetherTo)));
    }

    /** The same with its report elsewhere. */
    public LabOptions withReport(Path directory) {
        return with(Map.of("report", directory.toString()));
    }

    /** The same with some parameters changed, or gone where they are "". */
    private LabOptions with(Map<String, String> changes) {
        Map<String, String> parameters = toParameters();
        changes.forEach((name, value) -> parameters.put(PREFIX + name, value));
        parameters.values().removeIf(String::isEmpty);
        return from(name -> Optional.ofNullable(parameters.get(name)));
    }

    private static String lines(List<Path> paths) {
        return paths.stream()
                .map(path -> path.toAbsolutePath().toString())
                .collect(Collectors.joining("\n"));
    }

    /** The kernel that they mean. */
    public KernelRequest request() {
        KernelName name = KernelName.parse(kernel);
        return new KernelRequest(name.target(), name.variant(), tree, patches, fragments);
    }

    private static List<Path> paths(Optional<String> lines) {
        return lines.stream().flatMap(String::lines).map(Path::of).toList();
    }

    /** The configuration parameters that carry these options. */
    public Map<String, String> toParameters() {
        Map<String, String> parameters = new TreeMap<>();
        parameters.put(PREFIX + "kernel", kernel);
        tree.ifPresent(
                from -> {
                    parameters.put(PREFIX + "tree", from.directory().toString());
                    parameters.put(PREFIX + "commit", from.commit());
                });
        parameters.put(PREFIX + "patches", lines(patches));
        parameters.put(PREFIX + "fragments", lines(fragments));
        parameters.put(PREFIX + "tests", lines(tests));
        report.ifPresent(directory -> parameters.put(PREFIX + "report", directory.toString()));
        parameters.put(PREFIX + "accel", accelerator);
        parameters.put(PREFIX + "cold", Boolean.toString(cold));
        parameters.put(PREFIX + "dump", Boolean.toString(dump));
        parameters.put(PREFIX + "timeout-scale", Double.toString(timeoutScale));
        pin.ifPresent(schedule -> parameters.put(PREFIX + "pin", schedule.toString()));
        parameters.values().removeIf(String::isEmpty);
        return parameters;
    }
}
