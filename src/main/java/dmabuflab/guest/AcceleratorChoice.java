// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.Cache;
import dmabuflab.host.InfrastructureException;
import dmabuflab.kernel.KernelImage;
import dmabuflab.qemu.Accelerator;
import dmabuflab.qemu.QemuBinary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;

/**
 * Which accelerator guests run on, and why.
 *
 * <p>That {@code /dev/kvm} opens proves nothing: QEMU may still abort or hang. KVM is chosen only
 * after a guest came up on it and could itself create a virtual machine; the verdict is remembered
 * for this QEMU, host kernel and processor.
 */
public record AcceleratorChoice(Accelerator accelerator, String why) {
    private static final Path DEVICE = Path.of("/dev/kvm");

    /** A guest on KVM is up within a few seconds or not at all: a fifth of the usual patience. */
    private static final TimeScale IMPATIENT = new TimeScale(0.2);

    /**
     * @param wish "tcg", "kvm" or "auto"
     * @param artefacts receives the logs of the trial, if there has to be one
     */
    public static AcceleratorChoice make(
            String wish,
            KernelImage kernel,
            Initramfs initramfs,
            QemuBinary qemu,
            Machine machine,
            Cache cache,
            Path artefacts) {
        switch (wish) {
            case "tcg":
                return new AcceleratorChoice(Accelerator.TCG, "asked for");
            case "kvm":
                return new AcceleratorChoice(Accelerator.KVM, "asked for");
            case "auto":
                break;
            default:
                throw new InfrastructureException(
                        "unknown accelerator " + wish, "it is auto, kvm or tcg", "see --accel");
        }
        if (!Files.isReadable(DEVICE) || !Files.isWritable(DEVICE)) {
            return new AcceleratorChoice(Accelerator.TCG, DEVICE + " cannot be opened");
        }
        Path verdict =
                cache.directory("accelerator").resolve(Hash.of(List.of(), qemu.version(), host()));
        try (var held = cache.lock("accelerator", "trying KVM")) {
            if (!Files.exists(verdict)) {
                GuestImage onKvm = image(kernel, initramfs, qemu, Accelerator.KVM, machine);
                String refusal = trial(onKvm, artefacts.resolve("kvm"));
                if (!refusal.isEmpty()) {
                    // A kernel that boots nowhere says nothing about KVM.
                    GuestImage onTcg = image(kernel, initramfs, qemu, Accelerator.TCG, machine);
                    boot(onTcg, artefacts.resolve("tcg"), new TimeScale(1)).close();
                }
                Path partial = verdict.resolveSibling(verdict.getFileName() + ".partial");
                Files.writeString(partial, refusal);
                Files.move(partial, verdict, StandardCopyOption.ATOMIC_MOVE);
            }
            String refusal = Files.readString(verdict);
            return refusal.isEmpty()
                    ? new AcceleratorChoice(
                            Accelerator.KVM, "a guest with KVM inside came up on it")
                    : new AcceleratorChoice(Accelerator.TCG, "KVM does not work here: " + refusal);
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot remember whether KVM works", e.toString(), "is the disk full?", e);
        }
    }

    /** Why KVM cannot be used, "" when it can. */
    private static String trial(GuestImage image, Path artefacts) throws IOException {
        try (Guest guest = boot(image, artefacts, IMPATIENT)) {
            Answer nested = guest.agent().attempt("kvm.check", Map.of());
            return nested.ok() ? "" : "no KVM inside the guest: " + nested.error();
        } catch (InfrastructureException | GuestHung e) {
            return e.getMessage().lines().findFirst().orElse("no reason given");
        }
    }

    private static Guest boot(GuestImage image, Path artefacts, TimeScale scale)
            throws IOException {
        return Guest.boot(image, Files.createDirectories(artefacts), scale, bytes -> {});
    }

    private static GuestImage image(
            KernelImage kernel,
            Initramfs initramfs,
            QemuBinary qemu,
            Accelerator accelerator,
            Machine machine) {
        return new GuestImage(kernel, initramfs, qemu, accelerator, machine, List.of());
    }

    private static String host() {
        try {
            String model =
                    Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                            .filter(line -> line.startsWith("model name"))
                            .findFirst()
                            .orElse("");
            return System.getProperty("os.version") + " " + model;
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot read /proc/cpuinfo", e.toString(), "is /proc mounted?", e);
        }
    }
}
