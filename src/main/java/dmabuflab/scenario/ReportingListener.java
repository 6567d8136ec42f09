// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.report.Outcome;
import dmabuflab.report.ReportWriters;
import dmabuflab.report.RunResult;
import dmabuflab.report.ScenarioResult;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Consumer;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestTag;
import org.junit.platform.engine.reporting.ReportEntry;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/**
 * Turns what JUnit reports into the lab's result model and writes the report at the end. The same
 * whether the launcher was started by {@code lab run} or by Maven; without scenarios it does
 * nothing. Thread-safe.
 */
public final class ReportingListener implements TestExecutionListener {
    /** Keys of the report entries by which a scenario tells about itself. */
    static final String DIRECTORY = "directory";

    static final String BOOT = "boot";
    static final String WITNESS = "witness ";

    /** See {@link Expectation}. */
    static final String CELL = "cell";

    /** Followed by what {@link Part#key} makes. */
    static final String PART = "part ";

    private final Consumer<String> progress;
    private final boolean writes;
    private final Map<String, Instant> started = new ConcurrentHashMap<>();
    private final Map<String, Map<String, String>> entries = new ConcurrentHashMap<>();
    private final Map<String, ScenarioResult> results = new ConcurrentSkipListMap<>();
    private final Map<String, TestIdentifier> expected = new ConcurrentHashMap<>();
    private TestPlan plan;
    private LabOptions options = LabOptions.DEFAULT;
    private Instant begin;
    private RunResult result;

    /** For Maven, which has its own words on progress, and knows nothing of our report. */
    public ReportingListener() {
        this(line -> {}, true);
    }

    /**
     * For a caller who writes the report, because JUnit swallows what a listener throws.
     *
     * @param progress is told a line for each verdict
     */
    ReportingListener(Consumer<String> progress) {
        this(progress, false);
    }

    private ReportingListener(Consumer<String> progress, boolean writes) {
        this.progress = progress;
        this.writes = writes;
    }

    /** The finished run, null when there was no scenario in it. */
    RunResult result() {
        return result;
    }

    @Override
    public void testPlanExecutionStarted(TestPlan plan) {
        this.plan = plan;
        this.begin = Instant.now();
        this.options = LabOptions.from(plan.getConfigurationParameters()::get);
        for (TestIdentifier root : plan.getRoots()) {
            plan.getDescendants(root).forEach(this::expect);
        }
    }

    @Override
    public void dynamicTestRegistered(TestIdentifier test) {
        expect(test);
    }

    private void expect(TestIdentifier test) {
        if (isScenario(test)) {
            expected.put(test.getUniqueId(), test);
        }
    }

    @Override
    public void executionStarted(TestIdentifier test) {
        started.put(test.getUniqueId(), Instant.now());
    }

    @Override
    public void reportingEntryPublished(TestIdentifier test, ReportEntry entry) {
        entries.computeIfAbsent(test.getUniqueId(), id -> new ConcurrentHashMap<>())
                .putAll(entry.getKeyValuePairs());
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        if (isScenario(test)) {
            add(test, Outcome.SKIPPED, reason, "");
        }
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult ended) {
        Optional<Throwable> failure = ended.getThrowable();
        if (isScenario(test)) {
            add(
                    test,
                    Verdict.of(failure),
                    failure.map(Verdict::message).orElse(""),
                    failure.map(Verdict::details).orElse(""));
        } else if (failure.isPresent() && belongsToCatalogue(test)) {
            // A class or a parameter source that fails takes scenarios with it unheard.
            add(
                    test,
                    Outcome.INFRASTRUCTURE,
                    Verdict.message(failure.get()),
                    Verdict.details(failure.get()));
        }
    }

    @Override
    public void testPlanExecutionFinished(TestPlan plan) {
        expected.values().stream()
                .filter(test -> !results.containsKey(test.getUniqueId()))
                .forEach(test -> add(test, Outcome.INFRASTRUCTURE, "its result never arrived", ""));
        if (results.isEmpty()) {
            return;
        }
        List<ScenarioResult> scenarios =
                results.values().stream().sorted((a, b) -> a.id().compareTo(b.id())).toList();
        Path report = ReportDirectories.forRun(options).root();
        result =
                new RunResult(
                        begin,
                        Duration.between(begin, Instant.now()),
                        Lab.environment(options),
                        scenarios,
                        report);
        if (writes) {
            ReportWriters.write(result, Contract.rules(Lab.kernelKey(options)));
        }
    }

    private void add(TestIdentifier test, Outcome outcome, String message, String details) {
        if (outcome.isRed()) {
            Lab.of(options).noteRed();
        }
        Instant start = started.getOrDefault(test.getUniqueId(), begin);
        Map<String, String> said = entries.getOrDefault(test.getUniqueId(), Map.of());
        String id = ScenarioId.of(test).map(ScenarioId::toString).orElse(test.getDisplayName());
        String directory = said.get(DIRECTORY);
        String cell = said.get(CELL);
        ScenarioResult scenario =
                new ScenarioResult(
                        id,
                        title(test),
                        rules(test),
                        outcome,
                        message,
                        details,
                        start,
                        Duration.between(start, Instant.now()),
                        said.getOrDefault(BOOT, ""),
                        directory == null ? null : Path.of(directory),
                        witnesses(said),
                        ScenarioId.of(test).map(options::rerun).orElse("./lab run"),
                        cell == null ? null : Expectation.read(cell),
                        null);
        results.put(test.getUniqueId(), scenario);
        for (Part part : Part.among(said)) {
            results.put(test.getUniqueId() + "/" + part.number(), part.resultOf(scenario));
        }
        progress.accept(
                String.format(
                        Locale.ROOT,
                        "%-14s %5.1f s  %s",
                        outcome.name().toLowerCase(Locale.ROOT),
                        scenario.duration().toMillis() / 1e3,
                        id));
    }

    private static Map<String, List<String>> witnesses(Map<String, String> said) {
        Map<String, List<String>> witnesses = new LinkedHashMap<>();
        for (Witness witness : Witness.values()) {
            String statements = said.get(WITNESS + witness);
            if (statements != null) {
                witnesses.put(witness.toString(), statements.lines().toList());
            }
        }
        return witnesses;
    }

    /** The case of a parameterized scenario is told by its id; its method has the title. */
    private String title(TestIdentifier test) {
        Optional<ScenarioId> id = ScenarioId.of(test);
        boolean oneCase = id.isPresent() && !id.get().parameter().isEmpty();
        return oneCase
                ? plan.getParent(test).map(TestIdentifier::getDisplayName).orElse("")
                : test.getDisplayName();
    }

    private static List<String> rules(TestIdentifier test) {
        return test.getSource()
                .filter(MethodSource.class::isInstance)
                .map(source -> ((MethodSource) source).getJavaMethod())
                .map((Method method) -> Listing.rules(method))
                .orElse(List.of());
    }

    private static boolean isScenario(TestIdentifier test) {
        return belongsToCatalogue(test) && ScenarioId.of(test).isPresent();
    }

    private static boolean belongsToCatalogue(TestIdentifier test) {
        return test.getTags().contains(TestTag.create(Catalogue.TAG));
    }
}
