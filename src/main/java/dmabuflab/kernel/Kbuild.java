// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Command;
import dmabuflab.host.Sandbox;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The kernel's own build system, out of tree. What it runs is the source's own code, so it is
 * confined where that can be done.
 *
 * @param source the kernel's source, which is only read
 * @param build where everything made goes
 */
record Kbuild(Path source, Path build) {

    /** What somebody's shell may hold and what would make another kernel of the same source. */
    private static final Pattern DISTURBS =
            Pattern.compile(
                    "MAKE.*|MFLAGS|GNUMAKEFLAGS|KBUILD_.*|KCONFIG_.*|CONFIG_|K[A-Z]*FLAGS"
                            + "|ARCH|SRCARCH|CROSS_COMPILE|LLVM|LLVM_IAS|LOCALVERSION|INSTALL_.*"
                            + "|[COVWM]|MO|CF|CHECK|CHECKFLAGS");

    /** {@code make words…} for this kernel. */
    Command make(String... words) {
        return make(List.of(), words);
    }

    /**
     * The same.
     *
     * @param inputs what it reads beside the kernel's source
     */
    Command make(List<Path> inputs, String... words) {
        List<String> all = new ArrayList<>();
        all.addAll(List.of("make", "-C", source.toString(), "O=" + build));
        all.addAll(List.of(words));
        return undisturbed(Command.of(all), inputs);
    }

    /**
     * The command with nothing in its environment that would change the result, and confined.
     *
     * @param inputs what it reads beside the kernel's source
     */
    Command undisturbed(Command command, List<Path> inputs) {
        List<Path> readable = new ArrayList<>(List.of(source));
        readable.addAll(inputs);
        command.in(new Sandbox(readable, List.of(build)));
        for (String name : System.getenv().keySet()) {
            if (DISTURBS.matcher(name).matches()) {
                command.env(name, null);
            }
        }
        // The same source, configuration and compiler shall give the same bytes. An empty
        // LOCALVERSION keeps the state of the git repository out of the kernel's release.
        return command.env("LOCALVERSION", "")
                .env("KBUILD_BUILD_TIMESTAMP", "Sat Jan  1 00:00:00 UTC 2000")
                .env("KBUILD_BUILD_VERSION", "1")
                .env("KBUILD_BUILD_USER", "lab")
                .env("KBUILD_BUILD_HOST", "dmabuf-lab");
    }
}
