// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Terminal;
import dmabuflab.report.Outcome;
import dmabuflab.scenario.Demonstration;
import dmabuflab.tour.Tour;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "tour",
        description = {
            "Explains what the series is about in one guest, in ten minutes: export, query, a",
            "fault of KVM, revoke, un-revoke, RDMA. What it explains it does, and checks that",
            "it is so: on a kernel where it is not, it stops there.",
            "On a terminal it waits for Enter between chapters; q or Ctrl-D leaves."
        },
        footer = {"", "Exit status: 0 at its end, or when it is left; 1 where it stops."},
        mixinStandardHelpOptions = true)
final class TourCommand implements Callable<Integer> {
    @Spec CommandSpec spec;

    @Mixin LabFlags flags;

    @Mixin SourceFlags source;

    @Option(names = "--no-pause", description = "do not wait between chapters")
    boolean noPause;

    private PrintWriter out;

    @Override
    public Integer call() {
        out = spec.commandLine().getOut();
        SessionLogs logs = new SessionLogs("tour");
        boolean pauses = !noPause && Terminal.is(0) && Terminal.is(1);
        BufferedReader keys =
                new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset()));
        Demonstration given =
                Tour.give(
                        source.applyTo(flags.options(Optional.of(logs.path().resolve("report")))),
                        out,
                        () -> !pauses || goesOn(keys));
        if (given.outcome() == Outcome.SKIPPED) {
            throw new InfrastructureException(
                    "there is no tour of this kernel", given.message(), "see ./lab tour --help");
        }
        if (given.outcome().isRed()) {
            logs.keep();
            out.println("Its logs are in " + given.directory());
            out.flush();
        }
        return given.outcome().exitStatus();
    }

    /** Waits for somebody to press Enter. */
    private boolean goesOn(BufferedReader keys) {
        out.print("Enter: go on. q: leave. ");
        out.flush();
        try {
            String line = keys.readLine();
            if (line == null) {
                out.println(); // Ctrl-D has not done so
            }
            out.println();
            return line != null && !line.strip().equals("q");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
