// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.AgentRefusal;
import dmabuflab.guest.Guest;
import dmabuflab.guest.Schedule;
import dmabuflab.host.InfrastructureException;
import dmabuflab.report.Outcome;
import java.io.IOException;
import java.lang.annotation.Annotation;
import java.lang.reflect.AnnotatedElement;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Gives each scenario its guest, and judges afterwards what the scenario itself cannot see. */
final class GuestExtension implements BeforeEachCallback, AfterEachCallback, ParameterResolver {
    private static final ExtensionContext.Namespace NAMESPACE =
            ExtensionContext.Namespace.create(GuestExtension.class);

    @Override
    public void beforeEach(ExtensionContext context) throws IOException {
        LabOptions options = LabOptions.from(context::getConfigurationParameter);
        Lab lab = Lab.of(options);
        Assumptions.assumeFalse(
                lab.sawRed() && ScenarioRunner.failsFast(context::getConfigurationParameter),
                "a scenario was red before (--fail-fast)");
        ScenarioId id = ScenarioId.of(context);
        MachineModel model =
                new MachineModel(
                        Case.value(context, IommuModel.class).orElse(IommuModel.VTD),
                        Listing.builtIn(context.getRequiredTestMethod()));
        requireDevices(lab, model);
        List<String> devices = new ArrayList<>();
        Case.value(context, Trigger.class).ifPresent(trigger -> devices.add(trigger.device()));
        Case.value(context, OwnTest.class).ifPresent(test -> devices.addAll(test.devices()));
        devices.addAll(Listing.devices(context.getRequiredTestMethod()));
        Attempt attempt =
                new Attempt(
                        lab,
                        model,
                        lab.report().scenario(id.toString()),
                        devices,
                        onMethodOrClass(context, KernelsWordOnly.class).isEmpty(),
                        Stop.from(context::getConfigurationParameter),
                        options.pin().map(Schedule::read));
        // Kept before the guest starts, so that afterEach finds what a failed start left behind.
        context.getStore(NAMESPACE).put(Attempt.class, attempt);
        context.publishReportEntry(ReportingListener.DIRECTORY, attempt.directory().toString());
        Files.writeString(attempt.directory().resolve("rerun"), options.rerun(id) + "\n");
        try {
            Guest guest = attempt.start();
            context.publishReportEntry(ReportingListener.BOOT, guest.bootedHow());
            attempt.plugDevices();
            attempt.testbed().trace().start(lab.kernel().hasImporter());
            attempt.pin();
        } catch (AgentRefusal e) {
            throw new InfrastructureException(
                    "cannot set up the guest",
                    e.getMessage(),
                    "does this kernel have what the lab needs? see console.log",
                    e);
        }
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
        Attempt attempt = attempt(context);
        if (attempt == null) {
            return;
        }
        Throwable found = null;
        try {
            attempt.finish(context.getExecutionException());
        } catch (RuntimeException | IOException | AssertionError e) {
            found = e;
            throw e;
        } finally {
            bundle(context, attempt, Optional.ofNullable(found));
            Files.writeString(
                    attempt.directory().resolve("witnesses.txt"), attempt.testimony().toString());
            attempt.testimony()
                    .statements()
                    .forEach(
                            (witness, said) ->
                                    context.publishReportEntry(
                                            ReportingListener.WITNESS + witness,
                                            String.join("\n", said)));
            attempt.expected()
                    .ifPresent(
                            cell ->
                                    context.publishReportEntry(
                                            ReportingListener.CELL, Expectation.value(cell)));
            attempt.parts().forEach(part -> context.publishReportEntry(part.key(), part.value()));
            draw(attempt, Optional.ofNullable(found));
        }
    }

    /** A picture that cannot be drawn is the lab's own failure, and hides nobody else's. */
    private static void draw(Attempt attempt, Optional<Throwable> found) throws IOException {
        try {
            attempt.draw();
        } catch (IOException | RuntimeException e) {
            if (found.isEmpty()) {
                throw e;
            }
            found.get().addSuppressed(e);
        }
    }

    private static void bundle(
            ExtensionContext context, Attempt attempt, Optional<Throwable> found) {
        Outcome outcome = Verdict.of(context.getExecutionException(), found);
        if (!outcome.isRed()) {
            return;
        }
        try {
            attempt.bundle(ScenarioId.of(context) + " " + outcome.label());
        } catch (InfrastructureException e) {
            // Beside what the scenario ended with, not in its place.
            context.getExecutionException().or(() -> found).orElseThrow().addSuppressed(e);
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == Testbed.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return attempt(context).testbed();
    }

    private static void requireDevices(Lab lab, MachineModel model) {
        String obstacle = lab.obstacle(model);
        Assumptions.assumeTrue(obstacle.isEmpty(), obstacle);
    }

    private static Attempt attempt(ExtensionContext context) {
        return context.getStore(NAMESPACE).get(Attempt.class, Attempt.class);
    }

    private static <A extends Annotation> Optional<A> onMethodOrClass(
            ExtensionContext context, Class<A> annotation) {
        Function<AnnotatedElement, Optional<A>> find =
                element -> Optional.ofNullable(element.getAnnotation(annotation));
        return find.apply(context.getRequiredTestMethod())
                .or(() -> find.apply(context.getRequiredTestClass()));
    }
}
