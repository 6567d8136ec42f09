// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.kernel.KernelImage;
import dmabuflab.qemu.Accelerator;
import dmabuflab.qemu.QemuBinary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Everything that decides how a guest comes up, before any device is plugged.
 *
 * @param machine a file in QEMU's -readconfig format
 * @param traceEvents QEMU's own, recorded in qemu-trace.log; they change nothing for the guest
 */
public record GuestImage(
        KernelImage kernel,
        Initramfs initramfs,
        QemuBinary qemu,
        Accelerator accelerator,
        Path machine,
        List<String> traceEvents) {

    /** Size of the guest's memory in bytes; the machine file says the same to QEMU. */
    public static final long MEMORY = 3L << 29;

    /** QEMU's arguments for a guest that boots. */
    List<String> machineArguments() {
        List<String> words =
                new ArrayList<>(List.of("-nodefaults", "-no-user-config", "-no-reboot"));
        words.addAll(List.of("-display", "none", "-readconfig", machine.toString()));
        words.addAll(accelerator.arguments());
        words.addAll(List.of("-msg", "timestamp=on"));
        traceEvents.forEach(event -> words.addAll(List.of("-trace", event)));
        words.addAll(List.of("-kernel", kernel.bzImage().toString()));
        words.addAll(
                List.of("-initrd", initramfs.file().toString(), "-append", kernel.commandLine()));
        return words;
    }

    /** Names a snapshot: equal keys mean that one guest's state can be loaded by the other. */
    String snapshotKey() {
        return Hash.of(
                List.of(machine),
                kernel.key(),
                initramfs.key(),
                qemu.version(),
                String.join(" ", accelerator.arguments()),
                kernel.commandLine());
    }
}
