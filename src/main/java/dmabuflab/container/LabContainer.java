// SPDX-License-Identifier: Apache-2.0
package dmabuflab.container;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.exception.DockerException;
import com.github.dockerjava.api.model.Container;
import com.sun.security.auth.module.UnixSystem;
import dmabuflab.host.Cache;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.host.Scratch;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jline.utils.Signals;
import org.testcontainers.containers.ContainerLaunchException;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.output.OutputFrame;
import org.testcontainers.containers.output.WaitingConsumer;
import org.testcontainers.containers.startupcheck.StartupCheckStrategy;

/**
 * One command of the lab in a container of its own, which is gone when the command has ended, or
 * when this process has.
 */
public final class LabContainer extends GenericContainer<LabContainer> {
    private static final String HOME = "/tmp"; // of the container alone

    private final WaitingConsumer output = new WaitingConsumer();

    private LabContainer(String image, List<String> command, Mounts mounts) {
        super(image);
        setCommand(command.toArray(String[]::new));
        withLabel(Engine.OWNER, Long.toString(ProcessHandle.current().pid()));
        withCreateContainerCmdModifier(
                create ->
                        create.withHostConfig(new Confines(mounts))
                                .withUser(user())
                                .withWorkingDir(Path.of("").toAbsolutePath().toString()));
        withLogConsumer(output.andThen(LabContainer::print));
        withStartupCheckStrategy(new Begun());
    }

    /**
     * Runs a command of the lab and passes on what it says. Signals to this process reach it.
     *
     * @param release of Debian, its code name
     * @param words of the command line
     * @param mounts what it needs to see beside the checkout and the cache
     * @return its exit status
     * @throws InfrastructureException if there is no engine, no image, or the engine refuses
     */
    public static int run(String release, List<String> words, Mounts mounts) {
        Cache cache = Cache.locate();
        Path home = ProjectFiles.locate().root();
        removeLeftovers();
        String image = LabImage.obtain(release, cache);
        mounts.readable(home)
                .readable(Path.of(""))
                .writable(home.resolve("reports"))
                .writable(cache.root());
        for (String entry : classPath().split(":", -1)) {
            mounts.readable(Path.of(entry));
        }
        try (Scratch scratch = Scratch.create("container")) {
            Path file = scratch.path().resolve("lifeline");
            mounts.writable(scratch.path());
            try (Lifeline lifeline = Lifeline.hold(file);
                    LabContainer container =
                            new LabContainer(image, command(home, file, words), mounts)) {
                container.withEnv(environment(cache));
                return container.outcome();
            }
        } catch (DockerException | ContainerLaunchException e) {
            throw failure(e.getMessage(), e);
        }
    }

    private static List<String> command(Path home, Path lifeline, List<String> words) {
        List<String> command = new ArrayList<>();
        command.addAll(
                List.of(
                        "java",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Duser.home=" + HOME,
                        "-Duser.timezone=" + ZoneId.systemDefault(),
                        "-Ddmabuflab.home=" + home,
                        "-D" + Lifeline.PROPERTY + "=" + lifeline,
                        "-cp",
                        classPath(),
                        "dmabuflab.cli.Main"));
        command.addAll(words);
        return command;
    }

    private static String classPath() {
        return System.getProperty("java.class.path");
    }

    private static Map<String, String> environment(Cache cache) {
        String actions = System.getenv().getOrDefault("GITHUB_ACTIONS", "");
        return Map.of(
                "HOME", HOME,
                "DMABUF_LAB_CACHE", cache.root().toString(),
                "GITHUB_ACTIONS", actions);
    }

    /** Files of ours have to be ours outside too. */
    private static String user() {
        UnixSystem me = new UnixSystem();
        List<String> options = Engine.client().infoCmd().exec().getSecurityOptions();
        boolean rootless =
                options != null && options.stream().anyMatch(option -> option.contains("rootless"));
        return rootless ? "0:0" : me.getUid() + ":" + me.getGid();
    }

    private int outcome() {
        for (String name : List.of("INT", "TERM", "HUP")) {
            Signals.register(name, () -> pass(name));
        }
        start();
        int status = Engine.client().waitContainerCmd(getContainerId()).start().awaitStatusCode();
        try {
            output.waitUntilEnd(1, TimeUnit.MINUTES);
        } catch (TimeoutException e) {
            throw failure("its output has no end", e);
        }
        return status;
    }

    private void pass(String signal) {
        if (getContainerId() != null) {
            Engine.client().killContainerCmd(getContainerId()).withSignal(signal).exec();
        }
    }

    private static void print(OutputFrame frame) {
        PrintStream stream =
                frame.getType() == OutputFrame.OutputType.STDERR ? System.err : System.out;
        if (frame.getBytes() != null) {
            stream.writeBytes(frame.getBytes());
            stream.flush();
        }
    }

    /** Short commands may have ended before they are looked at: that is no failure. */
    private static final class Begun extends StartupCheckStrategy {
        @Override
        public StartupStatus checkStartupState(DockerClient client, String id) {
            String status = getCurrentState(client, id).getStatus();
            return "created".equals(status)
                    ? StartupStatus.NOT_YET_KNOWN
                    : StartupStatus.SUCCESSFUL;
        }
    }

    /** Those whose owners were killed; they have ended, but the engine keeps them. */
    private static void removeLeftovers() {
        for (Container each : Engine.leftBy(owner -> ProcessHandle.of(owner).isEmpty())) {
            Engine.client().removeContainerCmd(each.getId()).withForce(true).exec();
        }
    }

    private static InfrastructureException failure(String why, Exception cause) {
        return new InfrastructureException(
                "the container engine did not do its work",
                why,
                "see the engine's log; without --in container the lab needs no engine",
                cause);
    }
}
