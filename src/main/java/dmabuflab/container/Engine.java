// SPDX-License-Identifier: Apache-2.0
package dmabuflab.container;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.exception.ConflictException;
import com.github.dockerjava.api.exception.NotFoundException;
import com.github.dockerjava.api.model.Container;
import dmabuflab.host.InfrastructureException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.testcontainers.DockerClientFactory;

/** The container engine of this machine, found as Testcontainers finds it. */
public final class Engine {
    /** The label of a container that names the process outside which it belongs to. */
    static final String OWNER = "dmabuf-lab.owner";

    /** Testcontainers reads from the environment alone that no container is to watch ours. */
    private static final List<String> SETTINGS =
            List.of("TESTCONTAINERS_RYUK_DISABLED", "TESTCONTAINERS_HOST_OVERRIDE");

    private Engine() {}

    /** Why containers cannot be used, "" if they can. */
    public static String obstacle() {
        try {
            client();
            return "";
        } catch (InfrastructureException e) {
            return e.getMessage();
        }
    }

    /** The version of the one that answers. */
    public static String version() {
        return client().versionCmd().exec().getVersion();
    }

    /**
     * A client of it; one for the whole process, never to be closed.
     *
     * @throws InfrastructureException if none answers
     */
    static DockerClient client() {
        checkSettings();
        try {
            DockerClient client = DockerClientFactory.instance().client();
            checkHost();
            return client;
        } catch (IllegalStateException e) {
            throw new InfrastructureException(
                    "cannot use a container",
                    "no container engine answers this user",
                    "start one (systemctl start docker), be in its group, or name its socket in"
                            + " DOCKER_HOST; or leave out --in container",
                    e);
        }
    }

    /** Testcontainers takes the usual one if the one that is named does not answer. */
    private static void checkHost() {
        String wanted = System.getenv("DOCKER_HOST");
        String found = DockerClientFactory.instance().getTransportConfig().getDockerHost() + "";
        if (wanted != null && !wanted.isBlank() && !wanted.equals(found)) {
            throw new InfrastructureException(
                    "cannot use a container",
                    "the engine at DOCKER_HOST=" + wanted + " does not answer",
                    "start it, or unset DOCKER_HOST to use " + found);
        }
    }

    /** The machine's proxies, as its environment names them. */
    static Map<String, String> proxies() {
        Map<String, String> proxies = new HashMap<>();
        for (String name : List.of("http_proxy", "https_proxy", "no_proxy")) {
            for (String each : List.of(name, name.toUpperCase(Locale.ROOT))) {
                Optional.ofNullable(System.getenv(each))
                        .ifPresent(value -> proxies.put(each, value));
            }
        }
        return proxies;
    }

    /** Takes away those that have ended and whose owners are gone. */
    static void removeLeftovers() {
        for (Container each :
                client().listContainersCmd()
                        .withLabelFilter(List.of(OWNER))
                        .withStatusFilter(List.of("exited", "dead"))
                        .exec()) {
            if (ProcessHandle.of(Long.parseLong(each.getLabels().get(OWNER))).isEmpty()) {
                try {
                    client().removeContainerCmd(each.getId()).exec();
                } catch (NotFoundException | ConflictException e) {
                    continue; // another lab does the same at this moment
                }
            }
        }
    }

    private static void checkSettings() {
        if (!System.getenv().keySet().containsAll(SETTINGS)) {
            throw new InfrastructureException(
                    "cannot use a container",
                    "not in the environment: " + String.join(", ", SETTINGS),
                    "start the lab by ./lab, which sets them");
        }
    }

    static boolean hasImage(String name) {
        try {
            client().inspectImageCmd(name).exec();
            return true;
        } catch (NotFoundException e) {
            return false;
        }
    }
}
