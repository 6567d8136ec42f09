// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.container.Engine;
import dmabuflab.guest.AcceleratorChoice;
import dmabuflab.guest.Initramfs;
import dmabuflab.guest.Machine;
import dmabuflab.host.Cache;
import dmabuflab.host.DebianPackage;
import dmabuflab.host.Disk;
import dmabuflab.host.ProjectFiles;
import dmabuflab.host.Sandbox;
import dmabuflab.kernel.KernelImage;
import dmabuflab.kernel.Kernels;
import dmabuflab.qemu.Accelerator;
import dmabuflab.qemu.ConfigFile;
import dmabuflab.qemu.QemuBinary;
import dmabuflab.scenario.IommuModel;
import dmabuflab.scenario.KernelName;
import dmabuflab.scenario.MachineModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** What doctor looks at, cheapest first. */
final class Examination {
    private final LabFlags flags;
    private final ProjectFiles project = ProjectFiles.locate();
    private final Cache cache = Cache.locate();
    private final List<Diagnosis> found = new ArrayList<>();

    private Examination(LabFlags flags) {
        this.flags = flags;
    }

    static List<Diagnosis> of(LabFlags flags) {
        Examination examination = new Examination(flags);
        examination.processors();
        examination.packages();
        examination.disk();
        examination.sandbox();
        examination.container();
        Optional<KernelImage> kernel = examination.kernel();
        examination.qemu(kernel);
        return examination.found;
    }

    private void processors() {
        int processors = Runtime.getRuntime().availableProcessors();
        long memory =
                ((com.sun.management.OperatingSystemMXBean)
                                java.lang.management.ManagementFactory.getOperatingSystemMXBean())
                        .getTotalMemorySize();
        long guests = memory / (3L << 29);
        String finding = processors + " processors, " + Disk.gib(memory) + " memory";
        found.add(
                guests >= flags.jobs
                        ? Diagnosis.good("machine", finding)
                        : Diagnosis.limited(
                                "machine",
                                finding,
                                "a guest takes up to 1.5 GiB: use --jobs " + Math.max(1, guests)));
    }

    private void packages() {
        List<String> missing =
                DebianPackage.all().stream()
                        .filter(p -> !p.isPresent())
                        .map(DebianPackage::name)
                        .toList();
        found.add(
                missing.isEmpty()
                        ? Diagnosis.good("packages", "all there")
                        : Diagnosis.broken(
                                "packages",
                                "missing: " + String.join(" ", missing),
                                "./lab run installs them, or apt-get install them by hand"));
    }

    private void sandbox() {
        String obstacle = Sandbox.obstacle();
        found.add(
                obstacle.isEmpty()
                        ? Diagnosis.good("sandbox", "kernels are built without network and homes")
                        : Diagnosis.limited(
                                "sandbox",
                                obstacle,
                                "kernels are built with all that you may do: use sources you trust,"
                                        + " or let bubblewrap make user namespaces"));
    }

    private void container() {
        if (Place.inside().isPresent()) {
            return;
        }
        String obstacle = Engine.obstacle();
        found.add(
                obstacle.isEmpty()
                        ? Diagnosis.good("container", "engine " + Engine.version() + " answers")
                        : Diagnosis.limited(
                                "container",
                                obstacle.lines().findFirst().orElseThrow(),
                                "only --in container needs an engine: start it, or name its socket"
                                        + " in DOCKER_HOST"));
    }

    private void disk() {
        long free = Disk.free(cache.root());
        String finding = Disk.gib(free) + " free for " + cache.root();
        found.add(
                free >= Kernels.DISK_NEEDED
                        ? Diagnosis.good("disk", finding)
                        : Diagnosis.limited(
                                "disk",
                                finding,
                                "a first kernel build takes "
                                        + Disk.gib(Kernels.DISK_NEEDED)
                                        + "; point DMABUF_LAB_CACHE elsewhere"));
    }

    private Optional<KernelImage> kernel() {
        KernelName name = KernelName.parse(flags.kernel);
        Optional<KernelImage> image =
                Kernels.of(project, cache).cached(name.target(), name.variant());
        found.add(
                image.map(i -> Diagnosis.good("kernel", i.release() + " is built, " + i.key()))
                        .orElseGet(
                                () ->
                                        Diagnosis.limited(
                                                "kernel",
                                                flags.kernel + " is not built yet",
                                                "./lab build does it")));
        return image;
    }

    private void qemu(Optional<KernelImage> kernel) {
        if (DebianPackage.all().stream().anyMatch(p -> !p.isPresent())) {
            return; // packages() has said so
        }
        QemuBinary qemu = QemuBinary.find();
        Set<String> present = qemu.devices();
        Set<String> missing = drivers();
        missing.removeAll(present);
        found.add(
                missing.isEmpty()
                        ? Diagnosis.good("qemu", qemu.version() + ", all devices there")
                        : Diagnosis.broken(
                                "qemu",
                                qemu.version() + " lacks " + String.join(" ", missing),
                                "install a QEMU with these device models"));
        for (IommuModel model : IommuModel.values()) {
            Set<String> lacking = machine(model).drivers();
            lacking.removeAll(present);
            lacking.removeAll(missing);
            if (!lacking.isEmpty()) {
                found.add(
                        Diagnosis.limited(
                                "iommu",
                                qemu.version() + " lacks " + String.join(" ", lacking),
                                "scenarios on " + model + " are skipped"));
            }
        }
        recording(qemu);
        if (kernel.isPresent()) {
            accelerator(kernel.get(), qemu);
        } else {
            found.add(
                    Diagnosis.limited(
                            "accelerator",
                            "not tried: that takes a guest, and a guest a kernel",
                            "./lab build, then ./lab doctor again"));
        }
    }

    private void recording(QemuBinary qemu) {
        String obstacle = qemu.obstacleToRecording(machine(IommuModel.VTD).descriptions());
        found.add(
                obstacle.isEmpty()
                        ? Diagnosis.good("replay", "QEMU could, the lab does not offer it yet")
                        : Diagnosis.limited(
                                "replay",
                                obstacle,
                                "to have a race happen again use a schedule: ./lab run --pin FILE"));
    }

    private void accelerator(KernelImage kernel, QemuBinary qemu) {
        AcceleratorChoice choice =
                AcceleratorChoice.make(
                        flags.accelerator,
                        kernel,
                        Initramfs.obtain(project, cache, kernel),
                        qemu,
                        machine(IommuModel.VTD),
                        cache,
                        cache.directory("accelerator-trial"));
        String finding = choice.accelerator() + ": " + choice.why();
        found.add(
                choice.accelerator() == Accelerator.KVM
                        ? Diagnosis.good("accelerator", finding)
                        : Diagnosis.limited(
                                "accelerator",
                                finding,
                                "nothing has to be done: every scenario runs on TCG"));
    }

    /** Every device model that the default machine or a device file names. */
    private Set<String> drivers() {
        Set<String> drivers = machine(IommuModel.VTD).drivers();
        try (Stream<Path> files = Files.list(project.qemu().resolve("devices"))) {
            files.filter(file -> file.toString().endsWith(".cfg"))
                    .map(file -> ConfigFile.read(file, Map.of()).drivers())
                    .forEach(drivers::addAll);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return drivers;
    }

    private Machine machine(IommuModel model) {
        return new MachineModel(model, List.of()).machine(project);
    }
}
