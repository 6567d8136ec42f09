// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.container.Lifeline;
import dmabuflab.host.InfrastructureException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line. Exit status: 0 all good, 1 a scenario is red, 2 usage, 3 the lab itself. */
@Command(
        name = "lab",
        description = "Boots a kernel with a dma-buf PFN series and proves what it shares.",
        footer = {
            "",
            "Exit status: 0 all good; 1 a scenario failed, crashed or hung, or a mutant",
            "survived; 2 wrong usage; 3 the lab itself could not do its work. `lab shell`",
            "passes on that of the guest's shell."
        },
        mixinStandardHelpOptions = true,
        version = "dmabuf-lab 0.1",
        subcommands = {
            RunCommand.class,
            TourCommand.class,
            ListCommand.class,
            RulesCommand.class,
            BuildCommand.class,
            DoctorCommand.class,
            CompareCommand.class,
            MutantsCommand.class,
            BenchCommand.class,
            ShellCommand.class,
            GdbCommand.class,
            MonitorCommand.class,
            ValidateCommand.class,
            RehearseCommand.class
        })
public final class Main {
    private static final int INFRASTRUCTURE = 3;

    private Main() {}

    public static void main(String[] words) {
        Place.inside().ifPresent(Lifeline::follow);
        System.exit(commandLine().execute(words));
    }

    static CommandLine commandLine() {
        return new CommandLine(new Main())
                .setUsageHelpWidth(80)
                .setExecutionStrategy(Place::execute)
                .setParameterExceptionHandler(
                        (wrong, words) -> {
                            CommandLine command = wrong.getCommandLine();
                            command.getErr().println("lab: " + wrong.getMessage());
                            String name = command.getCommandSpec().qualifiedName();
                            command.getErr().println("see " + name + " --help");
                            return CommandLine.ExitCode.USAGE;
                        })
                .setExecutionExceptionHandler(
                        (failure, command, parsed) -> {
                            if (failure instanceof InfrastructureException) {
                                command.getErr().println("lab: " + failure.getMessage());
                            } else {
                                failure.printStackTrace(command.getErr());
                                command.getErr().println("lab: this is a defect of the lab itself");
                            }
                            return INFRASTRUCTURE;
                        });
    }
}
