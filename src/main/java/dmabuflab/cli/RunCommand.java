// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.report.RunResult;
import dmabuflab.report.Summary;
import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.ScenarioRunner;
import dmabuflab.scenario.Selection;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "run",
        description = {
            "Runs scenarios, each in a pristine guest, and writes a report.",
            "Gets and builds whatever is missing first."
        },
        mixinStandardHelpOptions = true)
final class RunCommand implements Callable<Integer> {
    @Spec CommandSpec spec;

    @Mixin Place place;

    @Mixin LabFlags flags;

    @Mixin SourceFlags source;

    @Mixin TestFlags tests;

    @Parameters(
            paramLabel = "SELECTOR",
            arity = "0..*",
            description =
                    "name, class, tag, rule or parameter, with shell-style wildcards: UR2, 'IO*',"
                            + " amd (default: all, or with --test just the tests)")
    List<String> selectors = List.of();

    @Option(
            names = "--report",
            paramLabel = "DIR",
            description = "where the report goes (default: reports/DATE, linked as reports/latest)")
    Path report;

    @Option(names = "--fail-fast", description = "start no more scenarios once one is red")
    boolean failFast;

    @Option(
            names = "--pin",
            paramLabel = "FILE",
            description =
                    "hold the guest's CPUs to the order of these points of the kernel; where it"
                            + " is not kept there is no verdict")
    Path pin;

    @Option(
            names = "--dump",
            description =
                    "keep the memory of red scenarios' guests, as memory.elf, for gdb; up to 1 GiB"
                            + " each")
    boolean dump;

    @Override
    public Integer call() {
        LabOptions options =
                tests.applyTo(source.applyTo(flags.options(Optional.ofNullable(report))))
                        .pinnedTo(Optional.ofNullable(pin))
                        .dumping(dump);
        Selection selection = Selectors.checked(spec, tests.selectors(selectors), options);
        PrintWriter out = spec.commandLine().getOut();
        RunResult result =
                ScenarioRunner.run(
                        options,
                        selection,
                        flags.jobs,
                        failFast,
                        line -> {
                            out.println(line);
                            out.flush();
                        });
        out.println();
        out.print(Summary.of(result, Summary.terminalHasColours()));
        out.flush();
        Annotations annotations = new Annotations(out, System.getenv());
        result.scenarios().stream()
                .filter(scenario -> scenario.outcome().isRed())
                .forEach(
                        scenario ->
                                annotations.error(
                                        scenario.outcome().label() + " " + scenario.id(),
                                        scenario.message() + "\n" + scenario.rerun()));
        return result.exitStatus();
    }
}
