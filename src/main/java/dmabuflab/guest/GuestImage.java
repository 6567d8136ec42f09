// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.kernel.KernelImage;
import dmabuflab.qemu.Accelerator;
import dmabuflab.qemu.QemuBinary;
import java.util.ArrayList;
import java.util.List;

/**
 * Everything that decides how a guest comes up, before any device is plugged.
 *
 * @param traceEvents QEMU's own, recorded in qemu-trace.log; they change nothing for the guest
 */
public record GuestImage(
        KernelImage kernel,
        Initramfs initramfs,
        QemuBinary qemu,
        Accelerator accelerator,
        Machine machine,
        List<String> traceEvents) {

    /** Size of the guest's memory in bytes; the machine file says the same to QEMU. */
    public static final long MEMORY = 3L << 29;

    /** What a saved guest consists of; one saved in another layout must not be taken for it. */
    private static final String SNAPSHOT_LAYOUT = "state, memory, console until the guest stopped";

    /** The kernel's command line: the target's words and the machine's. */
    public String commandLine() {
        return (kernel.commandLine() + " " + machine.kernelWords()).strip();
    }

    /** QEMU's arguments for the bare machine. */
    List<String> hardware() {
        List<String> words =
                new ArrayList<>(List.of("-nodefaults", "-no-user-config", "-no-reboot"));
        words.addAll(List.of("-display", "none"));
        machine.descriptions()
                .forEach(each -> words.addAll(List.of("-readconfig", each.toString())));
        words.addAll(accelerator.arguments());
        return words;
    }

    /** QEMU's arguments for a guest that boots. */
    List<String> machineArguments() {
        List<String> words = new ArrayList<>(hardware());
        words.addAll(List.of("-msg", "timestamp=on"));
        traceEvents.forEach(event -> words.addAll(List.of("-trace", event)));
        words.addAll(List.of("-kernel", kernel.bzImage().toString()));
        words.addAll(List.of("-initrd", initramfs.file().toString(), "-append", commandLine()));
        return words;
    }

    /** Names a snapshot: equal keys mean that one guest's state can be loaded by the other. */
    String snapshotKey() {
        return Hash.of(
                machine.descriptions(),
                kernel.key(),
                initramfs.key(),
                qemu.version(),
                String.join(" ", accelerator.arguments()),
                commandLine(),
                SNAPSHOT_LAYOUT);
    }
}
