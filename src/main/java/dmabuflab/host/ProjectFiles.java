// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the checkout keeps what the orchestrator reads. Immutable. */
public final class ProjectFiles {

    private final Path root;

    private ProjectFiles(Path root) {
        this.root = root;
    }

    /**
     * The checkout named by the system property {@code dmabuflab.home}, else the nearest directory
     * upwards from the current one that holds a {@code pom.xml} and a {@code kernel-config}.
     *
     * @throws InfrastructureException if there is none
     */
    public static ProjectFiles locate() {
        String home = System.getProperty("dmabuflab.home");
        if (home != null) {
            return at(Path.of(home));
        }
        Path start = Path.of("").toAbsolutePath();
        for (Path here = start; here != null; here = here.getParent()) {
            if (Files.exists(here.resolve("pom.xml"))
                    && Files.isDirectory(here.resolve("kernel-config"))) {
                return at(here);
            }
        }
        throw new InfrastructureException(
                "cannot find the dmabuf-lab checkout",
                "neither " + start + " nor a directory above it holds kernel-config",
                "start ./lab, or run from inside the checkout");
    }

    /** The checkout at {@code root}. */
    public static ProjectFiles at(Path root) {
        return new ProjectFiles(root.toAbsolutePath().normalize());
    }

    /** The top of the checkout, absolute. */
    public Path root() {
        return root;
    }

    /** Targets, fragments, series and mutants. */
    public Path kernelConfig() {
        return root.resolve("kernel-config");
    }

    /** Machines and devices in QEMU's format. */
    public Path qemu() {
        return root.resolve("qemu");
    }

    /** Sources of what runs inside the guest. */
    public Path guestTools() {
        return root.resolve("guest-tools");
    }
}
