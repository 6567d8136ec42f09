// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.guest.Guest;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.scenario.Lab;
import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.MachineModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "bench",
        description = {
            "Measures what things take here, side by side in one run.",
            "guests: cold boot against a restored guest. build: when nothing has changed.",
            "shell: from its start to its end, with a script in which there is nothing.",
            "faults: those of a virtual machine on device memory, by a slot over a dma-buf",
            "against one over an mmap. registration: memory registered for RDMA by its PFNs",
            "against by a scatterlist. attributes: what kind of memory is at a PFN, by asking its",
            "exporter against by looking it up; and PFNs of all pages against a mapping.",
            "catalogue: all of it with one and with two guests at once."
        },
        mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    /** In the order in which they are measured: what takes longest comes last. */
    enum Part {
        GUESTS,
        BUILD,
        SHELL,
        FAULTS,
        REGISTRATION,
        ATTRIBUTES,
        CATALOGUE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Spec CommandSpec spec;

    @Mixin Place place;

    @Mixin LabFlags flags;

    @Option(
            names = "--only",
            paramLabel = "PART",
            split = ",",
            description = "measure only these: ${COMPLETION-CANDIDATES}")
    Set<Part> only = EnumSet.allOf(Part.class);

    @Option(names = "--rounds", description = "measurements of each but the catalogue (default: 7)")
    int rounds = 7;

    @Option(
            names = "--catalogue-rounds",
            description = "runs of the whole catalogue for each number of jobs (default: 2)")
    int catalogueRounds = 2;

    @Option(
            names = "--report",
            paramLabel = "DIR",
            description =
                    "write bench.html and bench.json there, and plots: registration.svg,"
                            + " attributes.svg")
    Optional<Path> directory = Optional.empty();

    private PrintWriter out;
    private Path scratch;
    private BenchReport report;

    @Override
    public Integer call() throws IOException {
        out = spec.commandLine().getOut();
        directory.ifPresent(BenchReport::prepare);
        scratch = Files.createTempDirectory("dmabuf-lab-bench-");
        flags.cold = false;
        Lab warm = lab("warm");
        out.printf("kernel %s, %s%n", warm.kernel().key(), warm.qemu().version());
        out.printf("%s: %s%n%n", warm.accelerator().accelerator(), warm.accelerator().why());
        report =
                new BenchReport(
                        Map.of(
                                "kernel",
                                warm.kernel().key(),
                                "qemu",
                                warm.qemu().version(),
                                "accelerator",
                                warm.accelerator().accelerator().toString()));
        for (Part part : EnumSet.copyOf(only)) {
            switch (part) {
                case GUESTS -> guests(warm);
                case BUILD -> build();
                case SHELL -> shell();
                case FAULTS -> faults(warm);
                case REGISTRATION -> registration(warm);
                case ATTRIBUTES -> attributes(warm);
                case CATALOGUE -> catalogue();
            }
        }
        directory.ifPresent(report::write);
        return 0;
    }

    private void guests(Lab warm) {
        flags.cold = true;
        Lab cold = lab("cold");
        Samples boots = new Samples("cold boot to agent ready");
        Samples restores = new Samples("restored guest to agent ready");
        Samples plugged = new Samples("restored, edu and ivshmem plugged");
        for (int round = 0; round < rounds; round++) {
            // Interleaved, so that a machine that slows down slows all of them down.
            boots.add(() -> start(cold, guest -> {}));
            restores.add(() -> start(warm, guest -> {}));
            plugged.add(
                    () ->
                            start(
                                    warm,
                                    guest -> {
                                        guest.plug(warm.devices(), "edu");
                                        guest.plug(warm.devices(), "ivshmem:16M");
                                    }));
        }
        print(boots, restores.against(boots), plugged.against(boots));
        report.add(Part.GUESTS, List.of(boots, restores, plugged));
    }

    private void build() {
        Samples builds = new Samples("lab build, nothing changed");
        for (int round = 0; round < rounds; round++) {
            builds.add(() -> command("build", "--kernel", flags.kernel));
        }
        print(builds);
        report.add(Part.BUILD, List.of(builds));
    }

    private void shell() {
        Samples shells = new Samples("lab shell, an empty script");
        for (int round = 0; round < rounds; round++) {
            // The standard input of a command is empty.
            shells.add(() -> command("shell", "--kernel", flags.kernel, "--devices", ""));
        }
        print(shells);
        report.add(Part.SHELL, List.of(shells));
    }

    private void faults(Lab warm) {
        if (!warm.kernel().hasImporter()) {
            print("faults: this kernel is without the series, which adds slots over dma-bufs");
            return;
        }
        try (Guest guest = start(warm, started -> {})) {
            for (FaultSamples samples : FaultBench.run(guest, warm.devices(), rounds)) {
                print(samples);
                report.add(Part.FAULTS, samples.all());
            }
        }
    }

    private void registration(Lab warm) {
        if (!warm.kernel().hasImporter()) {
            print("registration: this kernel is without the series, which adds regions by PFNs");
            return;
        }
        try (Guest guest = start(warm, started -> {})) {
            RegistrationBench.run(
                    guest,
                    warm.devices(),
                    rounds,
                    samples -> {
                        print(samples);
                        report.add(samples);
                    });
        }
    }

    private void attributes(Lab warm) {
        if (!warm.kernel().hasImporter()) {
            print("attributes: this kernel is without the series, which adds them");
            return;
        }
        try (Guest guest = start(warm, started -> {})) {
            AttributeBench.run(
                    guest.agent(),
                    rounds,
                    figures -> {
                        print(figures);
                        report.add(Part.ATTRIBUTES, figures.title(), figures.all());
                        AttributeBench.bars(figures)
                                .ifPresent(
                                        bars ->
                                                report.plot(
                                                        Part.ATTRIBUTES,
                                                        AttributeBench.BARS,
                                                        bars));
                    });
        }
    }

    private void catalogue() {
        Samples one = new Samples("whole catalogue, 1 job");
        Samples two = new Samples("whole catalogue, 2 jobs");
        for (int round = 0; round < catalogueRounds; round++) {
            one.add(() -> catalogue("1"));
            two.add(() -> catalogue("2"));
        }
        print(one, two.against(one));
        report.add(Part.CATALOGUE, List.of(one, two));
    }

    private Lab lab(String name) {
        LabOptions options = flags.options(Optional.of(scratch.resolve(name)));
        return Lab.of(options);
    }

    /** Starts a guest, does something with it and ends it; only until ready is measured. */
    private Guest start(Lab lab, Consumer<Guest> prepare) {
        try {
            Path artefacts = Files.createTempDirectory(scratch, "guest-");
            Guest guest = lab.guest(MachineModel.DEFAULT, artefacts, bytes -> {});
            prepare.accept(guest);
            return guest;
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot write to " + scratch, e.toString(), "is the disk full?", e);
        }
    }

    private AutoCloseable catalogue(String jobs) {
        Path report = scratch.resolve("catalogue-" + jobs + "-" + System.nanoTime());
        return command(
                "run",
                "--kernel",
                flags.kernel,
                "--accel",
                flags.accelerator,
                "--timeout-scale",
                Double.toString(flags.timeoutScale),
                "--jobs",
                jobs,
                "--report",
                report.toString());
    }

    /** Runs a command of the lab's, in a process of its own. */
    private AutoCloseable command(String... words) {
        String[] command = new String[words.length + 1];
        command[0] = ProjectFiles.locate().root().resolve("lab").toString();
        System.arraycopy(words, 0, command, 1, words.length);
        dmabuflab.host.Command.of(command).log(scratch.resolve("lab.log")).check();
        return () -> {};
    }

    private void print(Object... lines) {
        for (Object line : lines) {
            out.println(line);
        }
        out.println();
        out.flush();
    }
}
