// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.AcceleratorChoice;
import dmabuflab.guest.GoldenSnapshot;
import dmabuflab.guest.Guest;
import dmabuflab.guest.GuestImage;
import dmabuflab.guest.Initramfs;
import dmabuflab.guest.SnapshotRefused;
import dmabuflab.guest.TimeScale;
import dmabuflab.host.Cache;
import dmabuflab.host.ProjectFiles;
import dmabuflab.kernel.KernelImage;
import dmabuflab.kernel.Kernels;
import dmabuflab.qemu.QemuBinary;
import dmabuflab.report.ReportDirectory;
import dmabuflab.witness.QemuTrace;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * What all scenarios of a run share: the kernel, the saved guest, the report directory. Made once
 * per set of options; when that fails, every scenario is told the same reason. Thread-safe.
 */
public final class Lab {
    private static final Map<LabOptions, CompletableFuture<Lab>> LABS = new ConcurrentHashMap<>();
    private static final String MACHINE = "machines/q35-vtd.cfg";

    private final ProjectFiles project;
    private final GuestImage image;
    private final AcceleratorChoice accelerator;
    private final TimeScale scale;
    private final ReportDirectory report;
    private final Optional<GoldenSnapshot> snapshot;
    private final String whyCold;

    private Lab(LabOptions options) {
        project = ProjectFiles.locate();
        Cache cache = Cache.locate();
        report = ReportDirectories.forRun(options);
        scale = new TimeScale(options.timeoutScale());
        Path boot = report.root().resolve("boot");
        KernelImage kernel = kernel(Kernels.of(project, cache), options);
        Initramfs initramfs = Initramfs.obtain(project, cache, kernel);
        QemuBinary qemu = QemuBinary.find();
        Path machine = machine(project);
        accelerator =
                AcceleratorChoice.make(
                        options.accelerator(), kernel, initramfs, qemu, machine, cache, boot);
        image =
                new GuestImage(
                        kernel,
                        initramfs,
                        qemu,
                        accelerator.accelerator(),
                        machine,
                        QemuTrace.EVENTS);
        Optional<GoldenSnapshot> saved = Optional.empty();
        String reason = "asked for";
        if (!options.cold()) {
            try {
                saved = Optional.of(GoldenSnapshot.obtain(image, cache, scale, boot));
            } catch (SnapshotRefused e) {
                reason = e.getMessage();
            }
        }
        snapshot = saved;
        whyCold = reason;
    }

    /** The lab for these options, made by the first who asks. */
    public static Lab of(LabOptions options) {
        CompletableFuture<Lab> mine = new CompletableFuture<>();
        CompletableFuture<Lab> lab = LABS.putIfAbsent(options, mine);
        if (lab == null) {
            lab = mine;
            try {
                mine.complete(new Lab(options));
            } catch (RuntimeException | Error e) {
                mine.completeExceptionally(e);
            }
        }
        try {
            return lab.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw e;
        }
    }

    private static KernelImage kernel(Kernels kernels, LabOptions options) {
        KernelName name = KernelName.parse(options.kernel());
        return options.mutant().isPresent()
                ? kernels.obtainMutant(name.target(), name.variant(), options.mutant().get())
                : kernels.obtain(name.target(), name.variant());
    }

    /** A pristine guest with its agent ready; its logs go to {@code artefacts}. */
    public Guest guest(Path artefacts, Consumer<byte[]> console) {
        return snapshot.isPresent()
                ? snapshot.get().restore(artefacts, scale, console)
                : Guest.boot(image, artefacts, scale, console);
    }

    /** The machine that guests boot on. */
    public static Path machine(ProjectFiles project) {
        return project.qemu().resolve(MACHINE);
    }

    /** Where device descriptions are. */
    public Path devices() {
        return project.qemu().resolve("devices");
    }

    public GuestImage image() {
        return image;
    }

    public AcceleratorChoice accelerator() {
        return accelerator;
    }

    public ReportDirectory report() {
        return report;
    }

    /** What a run's results were seen on, or why there was no lab to see them on. */
    static Map<String, String> environment(LabOptions options) {
        CompletableFuture<Lab> lab = LABS.get(options);
        if (lab == null) {
            return Map.of();
        }
        return lab.handle(
                        (made, failure) ->
                                failure == null
                                        ? made.environment()
                                        : Map.of("lab", String.valueOf(failure.getMessage())))
                .join();
    }

    private Map<String, String> environment() {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("kernel", image.kernel().release() + " " + image.kernel().key());
        facts.put("kernel manifest", image.kernel().manifest().toString());
        facts.put("kernel command line", image.kernel().commandLine());
        facts.put("qemu", image.qemu().version());
        facts.put("machine", image.machine().getFileName().toString());
        facts.put("accelerator", accelerator.accelerator() + ", " + accelerator.why());
        facts.put("guests", snapshot.isPresent() ? "restored" : "cold boot, " + whyCold);
        facts.put("timeout scale", Double.toString(scale.factor()));
        return facts;
    }
}
