// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.guest.AgentRefusal;
import dmabuflab.guest.Bundle;
import dmabuflab.guest.Guest;
import dmabuflab.guest.GuestHung;
import dmabuflab.guest.PluggedDevice;
import dmabuflab.guest.Schedule;
import dmabuflab.guest.TimeScale;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.host.Terminal;
import dmabuflab.qemu.DeviceNames;
import dmabuflab.scenario.IommuModel;
import dmabuflab.scenario.Lab;
import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.MachineModel;
import dmabuflab.scenario.ScenarioRunner;
import dmabuflab.scenario.Selection;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
        name = "shell",
        description = {
            "Opens a shell in a guest that is there as soon as a scenario's.",
            "exit or Ctrl-D ends it, Ctrl-] even if the guest hangs; what was in it is gone.",
            "If standard input is no terminal it is a script, run by bash in the guest."
        },
        footer = {
            "",
            "Exit status: that of the shell, 128 + N if signal N ended it; 2 wrong usage;",
            "3 and a message if the guest or the lab ended before it; 0 after Ctrl-].",
            "With --on-failure that of `lab run`."
        },
        mixinStandardHelpOptions = true)
final class ShellCommand implements Callable<Integer> {
    private static final int INFRASTRUCTURE = 3;

    /** What decides what a guest is. */
    private static final List<String> OF_A_BUNDLE =
            List.of(
                    "--devices",
                    "--iommu",
                    "--kernel",
                    "--accel",
                    "--cold",
                    "--patch",
                    "--config",
                    "--tree",
                    "--commit");

    @Spec CommandSpec spec;

    @Mixin LabFlags flags;

    @Mixin SourceFlags source;

    @Mixin TestFlags tests;

    @Option(
            names = "--devices",
            paramLabel = "NAME[:SIZE]",
            split = ",",
            description =
                    "what to plug in, files in qemu/devices (default: edu,ivshmem:16M;"
                            + " '' for nothing)")
    List<String> devices = List.of("edu", "ivshmem:16M");

    @Option(
            names = "--iommu",
            paramLabel = "MODEL",
            description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
    IommuModel iommu = IommuModel.VTD;

    @Option(
            names = "--bundle",
            paramLabel = "DIR",
            description =
                    "the guest of a red scenario, booted anew; DIR is its directory in a report,"
                            + " from whatever machine")
    Path bundle;

    @Option(
            names = "--scenario",
            paramLabel = "NAME",
            description = "run this one, and stop where --on-failure or --until says")
    String scenario;

    @Option(
            names = "--on-failure",
            description =
                    "a shell in the scenario's guest if it is red; leaving it ends the run with"
                            + " the scenario's verdict")
    boolean onFailure;

    @Option(
            names = "--until",
            paramLabel = "STEP",
            description =
                    "a shell in its guest before an operation of the agent, by its id in agent.log;"
                            + " leaving it ends the run")
    Long until;

    @Option(
            names = "--report",
            paramLabel = "DIR",
            description = "where the report of --scenario goes (default: as that of lab run)")
    Path report;

    @Option(
            names = "--share",
            paramLabel = "DIR",
            description =
                    "copy DIR to /share in the guest, and what is new or changed there back when"
                            + " the shell ends")
    Path share;

    @Option(
            names = "--pin",
            paramLabel = "FILE",
            description =
                    "hold the guest's CPUs to the order of these points of the kernel, from when"
                            + " the first is passed; what is done is told here")
    Path pin;

    @Option(
            names = "--gdb",
            description =
                    "attach gdb to the guest: beside the shell in tmux, or elsewhere by the line"
                            + " that is told; the guest may then take as long as it likes")
    boolean gdb;

    @Option(names = "--at-boot", description = "with --gdb: before the first instruction")
    boolean atBoot;

    @Option(
            names = "--monitor",
            description =
                    "show the guest from outside, live: beside the shell in tmux, or elsewhere by"
                            + " the line that is told; see lab monitor --help")
    boolean monitor;

    private SessionLogs logs;

    @Override
    public Integer call() throws IOException {
        checkUsage();
        Optional<byte[]> script = Optional.empty();
        if (!Terminal.is(0)) {
            script = Optional.of(System.in.readAllBytes());
        }
        logs = new SessionLogs("shell");
        Path artefacts = Files.createDirectory(logs.path().resolve("guest"));
        try {
            return session(artefacts, script);
        } catch (InfrastructureException | GuestHung | AgentRefusal e) {
            if (logs.ending()) {
                return INFRASTRUCTURE; // and nobody to tell why
            }
            if (Files.exists(artefacts.resolve("console.log"))) {
                logs.keep();
                spec.commandLine().getErr().println("lab: logs are in " + artefacts);
            }
            throw e instanceof InfrastructureException failure
                    ? failure
                    : new InfrastructureException(
                            "lost the guest's shell",
                            e.getMessage(),
                            "on a slow or loaded machine raise --timeout-scale",
                            e);
        } catch (UncheckedIOException e) {
            throw Disk.failure(e.getMessage(), Path.of("standard output"), e.getCause());
        }
    }

    private int session(Path artefacts, Optional<byte[]> script) {
        if (bundle != null) {
            return status(bundled(session(script, Optional.empty()), artefacts));
        }
        Path reports = scenario == null ? logs.path().resolve("report") : report;
        LabOptions options =
                tests.applyTo(source.applyTo(flags.options(Optional.ofNullable(reports))));
        if (!gdb) {
            return session(artefacts, options, session(script, Optional.empty()));
        }
        options = options.patient();
        PrintWriter out = spec.commandLine().getOut();
        Lab lab = Lab.of(options);
        try (Debugger debugger = new Debugger(lab, logs.path(), out)) {
            if (atBoot) {
                ShellSession session = session(script, Optional.empty());
                return status(guest(options, artefacts).debuggedBoot(session, debugger));
            }
            return session(artefacts, options, session(script, Optional.of(debugger)));
        }
    }

    private int session(Path artefacts, LabOptions options, ShellSession session) {
        if (scenario != null) {
            return new ScenarioShell(session)
                    .run(
                            options.pinnedTo(Optional.ofNullable(pin)),
                            oneCase(options),
                            Optional.ofNullable(until));
        }
        ShellGuest guest = guest(options, artefacts);
        return status(
                pin == null
                        ? guest.shell(session)
                        : guest.pinned(session, Schedule.read(pin), this::tell));
    }

    /** After Ctrl-] there is none to pass on. */
    private static int status(Optional<Integer> ofTheShell) {
        return ofTheShell.orElse(0);
    }

    private ShellSession session(Optional<byte[]> script, Optional<Debugger> debugger) {
        return new ShellSession(
                spec.commandLine(),
                script,
                Optional.ofNullable(share),
                logs.path(),
                debugger,
                monitor);
    }

    private ShellGuest guest(LabOptions options, Path artefacts) {
        return new ShellGuest(
                Lab.of(options), new MachineModel(iommu, List.of()), devices, artefacts);
    }

    /** Beside a shell whose terminal is raw, maybe. */
    private void tell(String line) {
        PrintWriter err = spec.commandLine().getErr();
        err.print("pin: " + line + (Terminal.is(0) ? "\r\n" : "\n"));
        err.flush();
    }

    private Optional<Integer> bundled(ShellSession session, Path artefacts) {
        Bundle opened = Bundle.open(bundle);
        TimeScale scale = new TimeScale(flags.options(Optional.empty()).timeoutScale());
        try (Guest guest = opened.boot(artefacts, scale, bytes -> {})) {
            Map<PluggedDevice, String> plugged =
                    ShellSession.plug(guest, opened.descriptions(), opened.devices());
            return session.in(session.open(guest), Optional.empty(), opened.summary(), plugged);
        }
    }

    private Selection oneCase(LabOptions options) {
        Selection selection = Selectors.checked(spec, List.of(scenario), options);
        List<String> cases =
                ScenarioRunner.list(options).stream()
                        .flatMap(each -> selection.runs(each).stream())
                        .toList();
        if (cases.size() != 1) {
            throw wrong("--scenario takes one, and this is each of " + String.join(", ", cases));
        }
        return selection;
    }

    private void refuse(List<String> options, String why) {
        for (String option : options) {
            if (spec.commandLine().getParseResult().hasMatchedOption(option)) {
                throw wrong(option + why);
            }
        }
    }

    private void checkUsage() {
        if (bundle != null) {
            refuse(OF_A_BUNDLE, " is something that a bundle brings along");
            refuse(List.of("--pin", "--gdb"), " needs a vmlinux, which a bundle has not");
            refuse(List.of("--monitor"), " needs to know the IOMMU, which a bundle does not tell");
        }
        if (gdb) {
            refuse(List.of("--pin"), " and --gdb would both use QEMU's only gdbstub");
        }
        if (!gdb || scenario != null || pin != null) {
            refuse(List.of("--at-boot"), " goes with --gdb, and a guest of its own");
        }
        if (scenario != null) {
            refuse(List.of("--bundle", "--devices", "--iommu"), " does not go with --scenario");
            if (onFailure == (until != null)) {
                throw wrong("--scenario goes with either --on-failure or --until STEP");
            }
        } else {
            refuse(
                    List.of("--on-failure", "--until", "--report", "--test"),
                    " goes with --scenario");
        }
        devices = devices.stream().filter(device -> !device.isEmpty()).toList();
        DeviceNames known = new DeviceNames(ProjectFiles.locate());
        for (String device : devices) {
            String problem = known.problem(device);
            if (!problem.isEmpty()) {
                throw wrong("--devices: " + problem);
            }
        }
        if (share != null && !Files.isDirectory(share)) {
            throw wrong("--share takes a directory, and " + share + " is none");
        }
    }

    private ParameterException wrong(String what) {
        return new ParameterException(spec.commandLine(), what);
    }
}
