// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "doctor",
        description = "Says what this machine can and cannot do, and what to do about it.",
        mixinStandardHelpOptions = true)
final class DoctorCommand implements Callable<Integer> {
    private static final int INFRASTRUCTURE = 3;

    @Spec CommandSpec spec;

    @Mixin Place place;

    @Mixin LabFlags flags;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        List<Diagnosis> all = Examination.of(flags);
        for (Diagnosis diagnosis : all) {
            out.printf(
                    "%-5s %-14s %s%n",
                    diagnosis.state().label(), diagnosis.subject(), diagnosis.finding());
            if (!diagnosis.advice().isEmpty()) {
                out.printf("%20s %s%n", "->", diagnosis.advice());
            }
        }
        out.flush();
        return all.stream().anyMatch(d -> d.state() == Diagnosis.State.BROKEN) ? INFRASTRUCTURE : 0;
    }
}
