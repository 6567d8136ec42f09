// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.guest.Guest;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.scenario.IommuModel;
import dmabuflab.scenario.Lab;
import dmabuflab.scenario.LabOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
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
            "Measures how long things take here, side by side in one run.",
            "Cold boot against a restored guest, the no-op build, and the whole catalogue with",
            "one and with two guests at once."
        },
        mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    @Spec CommandSpec spec;

    @Mixin LabFlags flags;

    @Option(names = "--rounds", description = "measurements of each guest start (default: 7)")
    int rounds = 7;

    @Option(
            names = "--catalogue-rounds",
            description = "runs of the whole catalogue for each number of jobs (default: 2)")
    int catalogueRounds = 2;

    private PrintWriter out;
    private Path scratch;

    @Override
    public Integer call() throws IOException {
        out = spec.commandLine().getOut();
        ProjectFiles project = ProjectFiles.locate();
        scratch = Files.createTempDirectory("dmabuf-lab-bench-");
        flags.cold = false;
        Lab warm = lab("warm");
        flags.cold = true;
        Lab cold = lab("cold");
        out.printf("kernel %s, %s%n", warm.kernel().key(), warm.qemu().version());
        out.printf("%s: %s%n%n", warm.accelerator().accelerator(), warm.accelerator().why());

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

        Samples builds = new Samples("lab build, nothing changed");
        for (int round = 0; round < rounds; round++) {
            builds.add(() -> lab(project, "build", "--kernel", flags.kernel));
        }
        print(builds.toString());

        Samples one = new Samples("whole catalogue, 1 job");
        Samples two = new Samples("whole catalogue, 2 jobs");
        for (int round = 0; round < catalogueRounds; round++) {
            one.add(() -> catalogue(project, "1"));
            two.add(() -> catalogue(project, "2"));
        }
        print(one, two.against(one));
        return 0;
    }

    private Lab lab(String name) {
        LabOptions options = flags.options(Optional.empty(), Optional.of(scratch.resolve(name)));
        return Lab.of(options);
    }

    /** Starts a guest, does something with it and ends it; only until ready is measured. */
    private Guest start(Lab lab, Consumer<Guest> prepare) {
        try {
            Path artefacts = Files.createTempDirectory(scratch, "guest-");
            Guest guest = lab.guest(IommuModel.VTD, artefacts, bytes -> {});
            prepare.accept(guest);
            return guest;
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot write to " + scratch, e.toString(), "is the disk full?", e);
        }
    }

    private AutoCloseable catalogue(ProjectFiles project, String jobs) {
        Path report = scratch.resolve("catalogue-" + jobs + "-" + System.nanoTime());
        return lab(
                project,
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

    private AutoCloseable lab(ProjectFiles project, String... words) {
        String[] command = new String[words.length + 1];
        command[0] = project.root().resolve("lab").toString();
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
