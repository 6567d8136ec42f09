// SPDX-License-Identifier: Apache-2.0
package dmabuflab.container;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.exception.NotFoundException;
import com.github.dockerjava.api.model.Container;
import dmabuflab.host.InfrastructureException;
import java.util.List;
import java.util.function.LongPredicate;
import org.testcontainers.DockerClientFactory;

/** The container engine of this machine, found as Testcontainers finds it. */
public final class Engine {
    /** The label of a container that names the process outside which it belongs to. */
    static final String OWNER = "dmabuf-lab.owner";

    /** Testcontainers reads from the environment alone that no container is to watch ours. */
    private static final List<String> SETTINGS =
            List.of("TESTCONTAINERS_RYUK_DISABLED", "TESTCONTAINERS_HOST_OVERRIDE");

    private Engine() {}

    /** The version of the one that answers, "" if none does. */
    public static String version() {
        checkSettings();
        return DockerClientFactory.instance().isDockerAvailable()
                ? client().versionCmd().exec().getVersion()
                : "";
    }

    /**
     * A client of it; one for the whole process, never to be closed.
     *
     * @throws InfrastructureException if none answers
     */
    static DockerClient client() {
        checkSettings();
        try {
            return DockerClientFactory.instance().client();
        } catch (IllegalStateException e) {
            throw new InfrastructureException(
                    "cannot use a container",
                    "no container engine answers this user",
                    "start one (systemctl start docker), be in its group, or name its socket in"
                            + " DOCKER_HOST; or leave out --in container",
                    e);
        }
    }

    /** Names and states of the containers in which the lab is or was. */
    public static List<String> containersOfTheLab() {
        return leftBy(owner -> true).stream()
                .map(each -> each.getId() + " " + each.getState())
                .toList();
    }

    /** Those of some processes. */
    static List<Container> leftBy(LongPredicate owner) {
        return client()
                .listContainersCmd()
                .withShowAll(true)
                .withLabelFilter(List.of(OWNER))
                .exec()
                .stream()
                .filter(each -> owner.test(Long.parseLong(each.getLabels().get(OWNER))))
                .toList();
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
