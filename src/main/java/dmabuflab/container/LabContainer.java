// SPDX-License-Identifier: Apache-2.0
package dmabuflab.container;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.exception.ConflictException;
import com.github.dockerjava.api.exception.NotFoundException;
import com.sun.security.auth.module.UnixSystem;
import dmabuflab.host.Cache;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jline.utils.Signals;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.output.OutputFrame;
import org.testcontainers.containers.output.WaitingConsumer;
import org.testcontainers.containers.startupcheck.StartupCheckStrategy;

/**
 * One command of the lab in a container of its own, which is gone when the command has ended, or
 * when this process has.
 */
public final class LabContainer extends GenericContainer<LabContainer> {
    /** Of the container alone. */
    static final Path HOME = Path.of("/tmp");

    /** Of those that the lab itself ends with. */
    private static final int LAST_STATUS = 3;

    private final WaitingConsumer output = new WaitingConsumer();
    private volatile String signal = "";
    private boolean started;

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
     * @param properties of the Java inside
     * @param words of the command line
     * @param mounts what it needs to see beside the checkout and the cache
     * @return its exit status
     * @throws InfrastructureException if there is no engine, no image, or the engine refuses
     */
    public static int run(
            String release, Map<String, String> properties, List<String> words, Mounts mounts) {
        Cache cache = Cache.locate();
        Path home = ProjectFiles.locate().root();
        try {
            Engine.removeLeftovers();
            String image = LabImage.obtain(release, cache);
            mounts.readable(home).writable(home.resolve("reports")).writable(cache.root());
            Stream.of(classPath().split(":", -1))
                    .map(Path::of)
                    .filter(entry -> !entry.toAbsolutePath().startsWith(home))
                    .forEach(mounts::readable);
            try (Lifeline lifeline = Lifeline.hold(cache);
                    LabContainer container =
                            new LabContainer(
                                    image,
                                    command(home, properties, lifeline.file(), words),
                                    mounts)) {
                container.withEnv(environment(cache));
                return container.outcome();
            }
        } catch (InfrastructureException e) {
            throw e;
        } catch (RuntimeException e) { // the engine's client has many
            throw failure(innermost(e), e);
        }
    }

    private static List<String> command(
            Path home, Map<String, String> properties, Path lifeline, List<String> words) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "java",
                                "-XX:TieredStopAtLevel=1",
                                "-XX:+UseSerialGC",
                                "-Duser.home=" + HOME,
                                "-Duser.timezone=" + ZoneId.systemDefault(),
                                "-Ddmabuflab.home=" + home,
                                "-D" + Lifeline.PROPERTY + "=" + lifeline));
        properties.forEach((key, value) -> command.add("-D" + key + "=" + value));
        command.addAll(List.of("-cp", classPath(), "dmabuflab.cli.Main"));
        command.addAll(words);
        return command;
    }

    private static String classPath() {
        return System.getProperty("java.class.path");
    }

    private static Map<String, String> environment(Cache cache) {
        Map<String, String> environment = Engine.proxies();
        environment.put("HOME", HOME.toString());
        environment.put("LC_ALL", "C.UTF-8");
        environment.put("DMABUF_LAB_CACHE", cache.root().toString());
        environment.put("GITHUB_ACTIONS", System.getenv().getOrDefault("GITHUB_ACTIONS", ""));
        return environment;
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
        synchronized (this) {
            started = true;
            if (!signal.isEmpty()) {
                pass(signal);
            }
        }
        int status = Engine.client().waitContainerCmd(getContainerId()).start().awaitStatusCode();
        try {
            output.waitUntilEnd(1, TimeUnit.MINUTES);
        } catch (TimeoutException e) {
            throw failure("its output has no end", e);
        }
        if (status > LAST_STATUS && signal.isEmpty()) {
            var state = Engine.client().inspectContainerCmd(getContainerId()).exec().getState();
            throw failure(
                    "the container ended with status "
                            + status
                            + (Boolean.TRUE.equals(state.getOOMKilled()) ? ", out of memory" : ""),
                    null);
        }
        return status;
    }

    /** The lab inside does with a signal what it does without a container. */
    private synchronized void pass(String name) {
        signal = name;
        if (started) {
            try {
                Engine.client().killContainerCmd(getContainerId()).withSignal(name).exec();
            } catch (NotFoundException | ConflictException e) {
                return; // it has ended
            }
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

    private static String innermost(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return String.valueOf(cause.getMessage());
    }

    private static InfrastructureException failure(String why, Exception cause) {
        return new InfrastructureException(
                "the container engine did not do its work",
                why,
                "see the engine's log; without --in container the lab needs no engine",
                cause);
    }
}
