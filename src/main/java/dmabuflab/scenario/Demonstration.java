// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.report.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Something shown in a guest as scenarios have it, and judged like one, that is no scenario: no
 * catalogue lists it, and no report tells of it.
 *
 * @param message what it failed with, "" if it passed
 * @param directory where the guest's logs are
 */
public record Demonstration(Outcome outcome, String message, Path directory) {

    /**
     * Shows it.
     *
     * @param name of the directory in the report's that the logs go to
     * @param devices as in {@link Devices}
     * @param show what there is to be shown; an {@link AssertionError} says that it is not so
     * @throws RuntimeException what kept the lab from doing its work
     */
    public static Demonstration of(
            LabOptions options, String name, List<String> devices, Consumer<Testbed> show) {
        Lab lab = Lab.of(options);
        lab.prepare(MachineModel.DEFAULT);
        Attempt attempt =
                new Attempt(
                        lab,
                        MachineModel.DEFAULT,
                        lab.report().scenario(name),
                        devices,
                        false,
                        Optional.empty(),
                        Optional.empty());
        Optional<Throwable> failure =
                thrownBy(
                        () -> {
                            attempt.start();
                            attempt.plugDevices();
                            attempt.testbed().trace().start(lab.kernel().hasImporter());
                            show.accept(attempt.testbed());
                        });
        Optional<Throwable> found = thrownBy(() -> attempt.finish(failure));
        Outcome outcome = Verdict.of(failure, found);
        Optional<Throwable> decisive =
                Verdict.of(found) == Outcome.CRASHED ? found : failure.or(() -> found);
        if (outcome == Outcome.INFRASTRUCTURE) {
            throw decisive.get() instanceof RuntimeException known
                    ? known
                    : new IllegalStateException(decisive.get());
        }
        return new Demonstration(
                outcome, decisive.map(Verdict::message).orElse(""), attempt.directory());
    }

    private interface Step {
        void run() throws IOException;
    }

    private static Optional<Throwable> thrownBy(Step step) {
        try {
            step.run();
            return Optional.empty();
        } catch (RuntimeException | IOException | AssertionError e) {
            return Optional.of(e);
        }
    }
}
