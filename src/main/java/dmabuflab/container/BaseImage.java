// SPDX-License-Identifier: Apache-2.0
package dmabuflab.container;

import com.github.dockerjava.api.command.PullImageResultCallback;
import com.github.dockerjava.api.exception.DockerClientException;
import com.github.dockerjava.api.exception.DockerException;
import dmabuflab.host.Command;
import dmabuflab.host.DebianMirrors;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Progress;
import dmabuflab.host.Scratch;
import java.nio.file.Path;
import java.util.List;
import org.testcontainers.images.builder.ImageFromDockerfile;

/** A Debian with nothing in it: the engine's own, or made here where it can get none. */
final class BaseImage {
    private static final String OURS = "dmabuf-lab-base";
    private static final String DEBOOTSTRAP = "debootstrap";

    private BaseImage() {}

    /** The name of one that the engine has. */
    static String obtain(String release, Progress progress) {
        String official = "debian:" + release;
        String ours = OURS + ":" + release;
        for (String name : List.of(official, ours)) {
            if (Engine.hasImage(name)) {
                return name;
            }
        }
        progress.phase("pulling " + official);
        try {
            Engine.client()
                    .pullImageCmd(official)
                    .exec(new PullImageResultCallback())
                    .awaitCompletion();
            return official;
        } catch (DockerException | DockerClientException e) {
            bootstrap(release, "the engine cannot pull it, " + e.getMessage(), progress);
            return ours;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfrastructureException(
                    "cannot pull " + official, "interrupted", "run it again", e);
        }
    }

    private static void bootstrap(String release, String whyNotPulled, Progress progress) {
        if (Command.find(DEBOOTSTRAP).isEmpty()) {
            throw failure(release, whyNotPulled + "\ndebootstrap is not installed", null);
        }
        String mirror =
                DebianMirrors.ofThisMachine().stream()
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        failure(
                                                release,
                                                whyNotPulled + "\napt here knows no Debian mirror",
                                                null));
        Scratch scratch = Scratch.create("base");
        Command.beforeTheEnd(scratch::close);
        try (scratch) {
            Path root = scratch.path().resolve("root");
            Path archive = scratch.path().resolve("root.tar");
            progress.phase("debootstrap of " + release);
            Command.of(
                            DEBOOTSTRAP,
                            "--variant=minbase",
                            "--include=ca-certificates",
                            "--force-check-gpg",
                            release,
                            root.toString(),
                            mirror)
                    .check();
            Command.of("tar", "-C", root.toString(), "-cf", archive.toString(), ".").check();
            progress.phase("giving it to the engine");
            new ImageFromDockerfile(OURS + ":" + release, false)
                    .withFileFromString("Dockerfile", "FROM scratch\nADD root.tar /\n")
                    .withFileFromPath("root.tar", archive)
                    .get();
        } catch (DockerException | DockerClientException e) {
            throw failure(release, e.getMessage(), e);
        } catch (InfrastructureException e) {
            throw failure(release, whyNotPulled + "\n" + e.getMessage(), e);
        }
    }

    private static InfrastructureException failure(String release, String why, Exception cause) {
        return new InfrastructureException(
                "there is no image of Debian " + release,
                why,
                "give the engine an image debian:"
                        + release
                        + ", or install debootstrap and run this once as root",
                cause);
    }
}
