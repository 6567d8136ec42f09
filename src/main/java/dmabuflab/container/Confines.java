// SPDX-License-Identifier: Apache-2.0
package dmabuflab.container;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.github.dockerjava.api.model.Capability;
import com.github.dockerjava.api.model.Device;
import com.github.dockerjava.api.model.HostConfig;
import com.github.dockerjava.api.model.LogConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What the lab may do in a container: nothing that needs a privilege, but make the namespaces in
 * which kernels are built. For these bubblewrap needs system calls that engines forbid, and a /proc
 * without what engines put over parts of it.
 */
final class Confines extends HostConfig {
    private static final long serialVersionUID = 1;
    private static final Path KVM = Path.of("/dev/kvm");

    Confines(Mounts mounts) {
        withMounts(mounts.all());
        withInit(true);
        withNetworkMode("host");
        withCapDrop(Capability.ALL);
        // Root reads what others own, as without, and may be root in a namespace.
        withCapAdd(Capability.DAC_OVERRIDE, Capability.SETFCAP);
        withUsernsMode("host");
        withLogConfig(new LogConfig(LogConfig.LoggingType.JSON_FILE));
        withSecurityOpts(
                List.of(
                        "no-new-privileges",
                        "seccomp=unconfined",
                        "apparmor=unconfined",
                        "label=disable"));
        if (Files.isWritable(KVM)) {
            withDevices(new Device("rwm", KVM.toString(), KVM.toString()));
            withGroupAdd(List.of(group(KVM)));
        }
    }

    @JsonProperty("MaskedPaths")
    List<String> maskedPaths() {
        return List.of();
    }

    @JsonProperty("ReadonlyPaths")
    List<String> readonlyPaths() {
        return List.of();
    }

    private static String group(Path file) {
        try {
            return Files.getAttribute(file, "unix:gid").toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
