// SPDX-License-Identifier: Apache-2.0
package dmabuflab.container;

import com.github.dockerjava.api.exception.DockerClientException;
import com.github.dockerjava.api.exception.DockerException;
import dmabuflab.host.Cache;
import dmabuflab.host.Command;
import dmabuflab.host.DebianPackage;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Progress;
import dmabuflab.host.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.testcontainers.images.builder.ImageFromDockerfile;

/** The image the lab runs in, which the engine keeps: made once for a release and a list. */
final class LabImage {
    private static final String REPOSITORY = "dmabuf-lab";
    private static final Pattern OF_THE_MACHINE =
            Pattern.compile(
                    "Acquire::(\\w+::)?(Proxy(::\\S+)?|Retries|Timeout|Check-(Date|Valid-Until)) .*");

    private LabImage() {}

    /** Its name; makes it if the engine does not have it. */
    static String obtain(String release, Cache cache) {
        String dockerfile = dockerfile();
        String packages =
                DebianPackage.all().stream()
                        .map(each -> each.name() + " " + each.why() + "\n")
                        .collect(Collectors.joining());
        String digest = Sha256.of(dockerfile + packages).substring(0, 12);
        String name = REPOSITORY + ":" + release + "-" + digest;
        if (Engine.hasImage(name)) {
            return name;
        }
        String task = "image of Debian " + release;
        long begin = System.nanoTime();
        try (Progress progress = Progress.begin(task, cache.lastTime(task))) {
            String base = BaseImage.obtain(release, progress);
            progress.phase("installing the packages that the lab needs");
            new ImageFromDockerfile(name, false)
                    .withFileFromString("Dockerfile", dockerfile)
                    .withFileFromString("packages", packages)
                    .withFileFromString("apt.conf", aptConfiguration())
                    .withBuildArg("BASE", base)
                    .withBuildArgs(Engine.proxies())
                    // A proxy of this machine may be one that only this machine can reach.
                    .withBuildImageCmdModifier(build -> build.withNetworkMode("host"))
                    .get();
            cache.rememberTime(task, Duration.ofNanos(System.nanoTime() - begin));
            return name;
        } catch (DockerException | DockerClientException e) {
            throw new InfrastructureException(
                    "cannot make the image " + name,
                    e.getMessage(),
                    "check that apt can install packages here, and that the engine's disk has 2 GiB",
                    e);
        }
    }

    private static String dockerfile() {
        try (InputStream in = LabImage.class.getResourceAsStream("Dockerfile")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What this machine's apt was told of proxies, retries and the like. */
    private static String aptConfiguration() {
        return Command.find("apt-config").isEmpty()
                ? ""
                : Command.of("apt-config", "dump")
                        .output()
                        .lines()
                        .filter(OF_THE_MACHINE.asMatchPredicate())
                        .collect(Collectors.joining("\n", "", "\n"));
    }
}
