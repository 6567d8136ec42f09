// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectPackage;

import dmabuflab.guest.AgentRefusal;
import dmabuflab.guest.GuestHung;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.report.ReportWriters;
import dmabuflab.report.RunResult;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestDescriptor;
import org.junit.platform.launcher.EngineFilter;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TagFilter;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Finds scenarios and runs them through JUnit's launcher. */
public final class ScenarioRunner {
    private static final String FAIL_FAST = "dmabuflab.fail-fast";
    private static final String PACKAGE = "dmabuflab.scenarios";

    private ScenarioRunner() {}

    /** All scenarios, in the order of their names. */
    public static List<Listing> list() {
        return list(LabOptions.DEFAULT);
    }

    /** The same with the user's own tests, if there are any. */
    public static List<Listing> list(LabOptions options) {
        List<OwnTest> tests = options.tests().stream().map(OwnTest::read).toList();
        return all().stream()
                .filter(each -> !each.isOfOwnTests() || !tests.isEmpty())
                .map(each -> each.isOfOwnTests() ? each.of(tests) : each)
                .toList();
    }

    private static List<Listing> all() {
        List<Listing> scenarios = new ArrayList<>();
        launcher()
                .discover(
                        request(
                                        descriptor -> {
                                            Listing.of(descriptor).ifPresent(scenarios::add);
                                            return true;
                                        })
                                .build());
        scenarios.sort((a, b) -> a.id().toString().compareTo(b.id().toString()));
        return scenarios;
    }

    /**
     * Runs scenarios, each in its own guest, and writes their report.
     *
     * @param jobs how many guests at once
     * @param failFast skip what has not begun when a scenario is red
     * @param progress is told a line for each verdict as it falls
     * @throws InfrastructureException when there is no kernel or no guest to run them on
     */
    public static RunResult run(
            LabOptions options,
            Selection selection,
            int jobs,
            boolean failFast,
            Consumer<String> progress) {
        return run(options, selection, jobs, failFast, Map.of(), progress);
    }

    /**
     * Runs a scenario, and stops on the way for somebody to look at its guest.
     *
     * @param selection of a single case
     * @throws InfrastructureException when there is no kernel or no guest to run it on
     */
    public static RunResult run(
            LabOptions options, Selection selection, Stop stop, Consumer<String> progress) {
        try (Stop.Registration registration = stop.register()) {
            return run(options, selection, 1, false, registration.toParameters(), progress);
        }
    }

    private static RunResult run(
            LabOptions options,
            Selection selection,
            int jobs,
            boolean failFast,
            Map<String, String> more,
            Consumer<String> progress) {
        // Builds and boots what is missing, which is no scenario's time or fault.
        Lab lab = Lab.of(options);
        if (!failFast) { // else some of it may never be needed
            machines(options, selection).forEach(lab::prepare);
        }
        ReportingListener listener = new ReportingListener(progress);
        LauncherDiscoveryRequest request =
                request(test -> Listing.of(test).map(selection::includes).orElse(true))
                        .configurationParameters(options.toParameters())
                        .configurationParameters(selection.toParameters())
                        .configurationParameters(Parallelism.of(jobs))
                        .configurationParameters(more)
                        .configurationParameter(FAIL_FAST, Boolean.toString(failFast))
                        .build();
        launcher().execute(request, listener);
        RunResult result = listener.result();
        if (result == null) {
            throw new InfrastructureException(
                    "no scenario ran", "JUnit found none", "is the jar complete? ./lab list");
        }
        ReportWriters.write(result, Contract.rules(Optional.of(lab.kernel().key())));
        return result;
    }

    /**
     * Boots a guest of the default machine, or loads one that has booted, and ends it.
     *
     * @return what was wrong with it, "" if nothing
     * @throws InfrastructureException when there is no kernel to boot
     */
    public static String boot(LabOptions options) {
        Lab lab = Lab.of(options);
        Attempt attempt =
                new Attempt(
                        lab,
                        MachineModel.DEFAULT,
                        lab.report().scenario("boot"),
                        List.of(),
                        false,
                        Optional.empty(),
                        Optional.empty());
        try {
            Optional<Throwable> failure = Optional.empty();
            try {
                attempt.start();
            } catch (InfrastructureException | GuestHung e) {
                failure = Optional.of(e);
            }
            attempt.finish(failure);
            return failure.map(Throwable::getMessage).orElse("");
        } catch (GuestCrashed | GuestHung | AgentRefusal e) {
            return e.getMessage();
        } catch (IOException e) {
            throw Disk.failure("cannot keep what the guest left", attempt.directory(), e);
        }
    }

    static boolean failsFast(Function<String, Optional<String>> parameters) {
        return parameters.apply(FAIL_FAST).map(Boolean::parseBoolean).orElse(false);
    }

    /** The machines that the scenarios meant run on. */
    private static Set<MachineModel> machines(LabOptions options, Selection selection) {
        Set<MachineModel> machines = new LinkedHashSet<>();
        for (Listing scenario : list(options)) {
            if (selection.includes(scenario)) {
                machines.addAll(scenario.machines(selection));
            }
        }
        return machines;
    }

    /** The scenarios among all tests that JUnit finds, narrowed to those to keep. */
    private static LauncherDiscoveryRequestBuilder request(Predicate<TestDescriptor> keep) {
        PostDiscoveryFilter narrow = descriptor -> FilterResult.includedIf(keep.test(descriptor));
        return LauncherDiscoveryRequestBuilder.request()
                .selectors(selectPackage(PACKAGE))
                .filters(
                        EngineFilter.includeEngines("junit-jupiter"),
                        TagFilter.includeTags(Catalogue.TAG),
                        narrow);
    }

    private static Launcher launcher() {
        // The listener is handed over explicitly; under Maven it is found as a service.
        return LauncherFactory.create(
                LauncherConfig.builder()
                        .enableTestExecutionListenerAutoRegistration(false)
                        .build());
    }
}
