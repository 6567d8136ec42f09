// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.AcceleratorChoice;
import dmabuflab.guest.Bundle;
import dmabuflab.guest.Guest;
import dmabuflab.guest.GuestHung;
import dmabuflab.guest.GuestImage;
import dmabuflab.guest.Initramfs;
import dmabuflab.guest.TimeScale;
import dmabuflab.host.Cache;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Links;
import dmabuflab.host.ProjectFiles;
import dmabuflab.kernel.CrashSites;
import dmabuflab.kernel.KernelImage;
import dmabuflab.kernel.KernelRequest;
import dmabuflab.kernel.Kernels;
import dmabuflab.kernel.SymbolTable;
import dmabuflab.qemu.QemuBinary;
import dmabuflab.report.ReportDirectory;
import dmabuflab.witness.BarTrace;
import dmabuflab.witness.ConsoleFinding;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * What all scenarios of a run share: the kernel, the saved guests, the report directory. Made once
 * per set of options; when that fails, every scenario is told the same reason. Thread-safe.
 */
public final class Lab {
    private static final Map<LabOptions, CompletableFuture<Lab>> LABS = new ConcurrentHashMap<>();

    private final ProjectFiles project;
    private final Cache cache;
    private final KernelImage kernel;
    private final Initramfs initramfs;
    private final QemuBinary qemu;
    private final Kernels kernels;
    private final KernelRequest request;
    private final AcceleratorChoice accelerator;
    private final TimeScale scale;
    private final ReportDirectory report;
    private final boolean cold;
    private final boolean dump;
    private final Links links = new Links();
    private final Map<MachineModel, CompletableFuture<MachineGuests>> guests =
            new ConcurrentHashMap<>();

    private CrashSites crashSites;

    private SymbolTable symbols;

    private volatile boolean red;

    private Lab(LabOptions options) {
        project = ProjectFiles.locate();
        cache = Cache.locate();
        report = ReportDirectories.forRun(options);
        scale = new TimeScale(options.timeoutScale());
        cold = options.cold();
        dump = options.dump();
        // A kernel may take a moment to find, and QEMU one to say its version.
        CompletableFuture<QemuBinary> found = CompletableFuture.supplyAsync(QemuBinary::find);
        kernels = Kernels.of(project, cache);
        request = options.request();
        kernel = kernels.obtain(request);
        initramfs = Initramfs.obtain(project, cache, kernel);
        qemu = result(found);
        accelerator =
                AcceleratorChoice.make(
                        options.accelerator(),
                        kernel,
                        initramfs,
                        qemu,
                        MachineModel.DEFAULT.machine(project),
                        cache,
                        report.root().resolve("boot"));
    }

    /** The lab for these options, made by the first who asks. */
    public static Lab of(LabOptions options) {
        return made(LABS, options, Lab::new);
    }

    /** What the first who asks makes; when that fails, everyone is told the same reason. */
    private static <K, V> V made(Map<K, CompletableFuture<V>> all, K key, Function<K, V> make) {
        CompletableFuture<V> mine = new CompletableFuture<>();
        CompletableFuture<V> one = all.putIfAbsent(key, mine);
        if (one == null) {
            one = mine;
            try {
                mine.complete(make.apply(key));
            } catch (RuntimeException | Error e) {
                mine.completeExceptionally(e);
            }
        }
        return result(one);
    }

    private static <V> V result(CompletableFuture<V> one) {
        try {
            return one.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw e;
        }
    }

    /**
     * Boots and saves a guest of this machine, if that was not done before.
     *
     * @throws InfrastructureException when the default machine does not boot; a scenario that needs
     *     another one fails on its own, and only it
     */
    void prepare(MachineModel model) {
        try {
            if (missing(model).isEmpty()) {
                guests(model);
            }
        } catch (InfrastructureException | GuestHung e) {
            if (model.equals(MachineModel.DEFAULT)) {
                throw e;
            }
        }
    }

    private MachineGuests guests(MachineModel model) {
        return made(guests, model, this::obtain);
    }

    private GuestImage image(MachineModel model) {
        return new GuestImage(
                kernel,
                initramfs,
                qemu,
                accelerator.accelerator(),
                model.machine(project),
                traced(model.iommu()));
    }

    private MachineGuests obtain(MachineModel model) {
        GuestImage image = image(model);
        return cold
                ? MachineGuests.cold(image)
                : MachineGuests.saved(
                        image, cache, scale, report.root().resolve("boot-" + model.label()));
    }

    /** Tells that a scenario was red. */
    void noteRed() {
        red = true;
    }

    /** Whether a scenario was red so far. */
    boolean sawRed() {
        return red;
    }

    private static List<String> traced(IommuModel model) {
        List<String> events = new ArrayList<>(model.parser().events());
        events.add(BarTrace.EVENT);
        return events;
    }

    /** A pristine guest with its agent ready; its logs go to {@code artefacts}. */
    public Guest guest(MachineModel model, Path artefacts, Consumer<byte[]> console) {
        return guests(model).start(artefacts, scale, console);
    }

    /** A guest that somebody looks at before it has executed anything. */
    public Guest guestFromTheStart(MachineModel model, Path artefacts, Consumer<Guest> visitor) {
        return Guest.bootFromTheStart(image(model), artefacts, scale, bytes -> {}, visitor);
    }

    /** Adds to a directory all that makes up a guest of this machine. */
    void bundle(MachineModel model, Path directory, String what, List<String> plugged) {
        Bundle.write(directory, what, image(model), plugged, devices(), links);
    }

    /** Device models that this machine takes and that this QEMU was built without. */
    private Set<String> missing(MachineModel model) {
        if (model.equals(MachineModel.DEFAULT)) {
            return Set.of(); // what every QEMU has that the lab can use at all
        }
        Set<String> missing = model.machine(project).drivers();
        missing.removeAll(qemu.devices());
        return missing;
    }

    /** Why there cannot be a guest of this machine here, "" if there can. */
    public String obstacle(MachineModel model) {
        Set<String> missing = missing(model);
        return missing.isEmpty()
                ? ""
                : qemu.version()
                        + " was built without "
                        + String.join(", ", missing)
                        + "; install one that has it (qemu-system-x86_64 -device help)";
    }

    /** Whether the memory of a red scenario's guest is kept. */
    boolean keepsMemory() {
        return dump;
    }

    /** Where in the kernel's source a report leads to, in lines; a report is one without them. */
    List<String> source(ConsoleFinding finding) {
        try {
            return crashSites().tell(finding.site(), finding.frames());
        } catch (InfrastructureException e) {
            return List.of("  cannot tell where that is: " + e.getMessage());
        }
    }

    private synchronized CrashSites crashSites() {
        if (crashSites == null) {
            crashSites = kernels.crashSites(kernel, request);
        }
        return crashSites;
    }

    /** The functions of the kernel, read when first asked for. */
    public synchronized SymbolTable symbols() {
        if (symbols == null) {
            symbols = SymbolTable.of(kernel.vmlinux());
        }
        return symbols;
    }

    /** The kernel's own selftests as programs, built when first asked for. */
    Path selftests() {
        return kernels.selftests(kernel, request);
    }

    /** What of the kernel's source may look otherwise elsewhere, by its name there. */
    public Map<Path, Path> copyChangedSources(Path into) {
        return kernels.copyChangedSources(request, into);
    }

    /** Where device descriptions are. */
    public Path devices() {
        return project.qemu().resolve("devices");
    }

    /** The kernel that all guests boot. */
    public KernelImage kernel() {
        return kernel;
    }

    /** The QEMU that all guests run in. */
    public QemuBinary qemu() {
        return qemu;
    }

    public AcceleratorChoice accelerator() {
        return accelerator;
    }

    public ReportDirectory report() {
        return report;
    }

    /** The key of the kernel of a lab that was made for these options. */
    static Optional<String> kernelKey(LabOptions options) {
        CompletableFuture<Lab> lab = LABS.get(options);
        return lab == null || lab.isCompletedExceptionally()
                ? Optional.empty()
                : Optional.of(lab.join().kernel().key());
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
        facts.put("kernel", kernel.release() + " " + kernel.key());
        facts.put("kernel manifest", kernel.manifest().toString());
        facts.put("qemu", qemu.version());
        facts.put("accelerator", accelerator.accelerator() + ", " + accelerator.why());
        Map<String, CompletableFuture<MachineGuests>> byName = new TreeMap<>();
        guests.forEach((model, made) -> byName.put(model.toString(), made));
        byName.forEach((model, made) -> facts.putAll(facts(model, made)));
        facts.put("timeout scale", Double.toString(scale.factor()));
        return facts;
    }

    private static Map<String, String> facts(String model, CompletableFuture<MachineGuests> made) {
        return made.handle(
                        (guests, failure) ->
                                failure != null
                                        ? Map.of("guests, " + model, failure.toString())
                                        : Map.of(
                                                "guests, " + model,
                                                guests.how(),
                                                "kernel command line, " + model,
                                                guests.image().commandLine()))
                .join();
    }
}
