// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import dmabuflab.host.Command;
import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;

/**
 * A running QEMU with its three sockets: QMP, the agent's port and the console.
 *
 * <p>QEMU connects to sockets that are already listening, so nothing has to be polled for: either
 * it connects or it ends. Closing kills the process and waits for its end.
 */
public final class QemuProcess implements AutoCloseable {
    private final Command.Running process;
    private final Path scratch;
    private final Path log;
    private final Qmp qmp;
    private final SocketChannel agent;
    private final SocketChannel console;
    private final ShutdownWatch shutdown;

    private static final List<String> SOCKETS = List.of("qmp", "agent", "console");

    /** Where QEMU's own messages and its trace events go, relative to the artefact directory. */
    public static final String LOG = "qemu.log";

    public static final String TRACE = "qemu-trace.log";

    private QemuProcess(
            Command.Running process,
            Path scratch,
            Path log,
            Qmp qmp,
            SocketChannel agent,
            SocketChannel console,
            ShutdownWatch shutdown) {
        this.process = process;
        this.scratch = scratch;
        this.log = log;
        this.qmp = qmp;
        this.agent = agent;
        this.console = console;
        this.shutdown = shutdown;
    }

    /**
     * Starts QEMU, writes its command line to {@code qemu-command.sh} and connects.
     *
     * @param machine everything that makes up the guest; sockets and logs are added here
     * @param artefacts existing directory for logs
     * @param limit for QEMU's own answers
     * @throws InfrastructureException when QEMU ends before it has connected, with its last words
     */
    public static QemuProcess start(
            QemuBinary qemu, List<String> machine, Path artefacts, Duration limit) {
        Path log = artefacts.resolve(LOG);
        Path scratch = temporaryDirectory();
        List<String> words = new ArrayList<>(List.of(qemu.program()));
        words.addAll(machine);
        for (String id : SOCKETS) {
            words.addAll(List.of("-chardev", "socket,id=" + id + ",path=" + scratch.resolve(id)));
        }
        words.addAll(List.of("-mon", "chardev=qmp,mode=control", "-serial", "chardev:console"));
        words.addAll(List.of("-D", artefacts.resolve(TRACE).toString()));
        try {
            Files.writeString(artefacts.resolve("qemu-command.sh"), ShellScript.of(words));
            try (ServerSocketChannel qmp = listen(scratch.resolve("qmp"));
                    ServerSocketChannel agent = listen(scratch.resolve("agent"));
                    ServerSocketChannel console = listen(scratch.resolve("console"))) {
                Command.Running process = Command.of(words).log(log).start();
                // A QEMU that ends early must not leave us waiting in accept().
                CompletableFuture<Void> giveUp =
                        process.exit().handle((status, error) -> close(qmp, agent, console));
                try {
                    SocketChannel qmpSocket = qmp.accept();
                    SocketChannel agentSocket = agent.accept();
                    SocketChannel consoleSocket = console.accept();
                    ShutdownWatch shutdown = new ShutdownWatch(agentSocket);
                    JsonLines lines = new JsonLines("qmp", qmpSocket, shutdown);
                    return new QemuProcess(
                            process,
                            scratch,
                            log,
                            new Qmp(lines, limit),
                            agentSocket,
                            consoleSocket,
                            shutdown);
                } catch (IOException e) {
                    process.kill();
                    giveUp.join();
                    throw new InfrastructureException(
                            "QEMU ended before it was up", lastWords(log), "log: " + log, e);
                } catch (RuntimeException e) {
                    process.kill();
                    throw e;
                }
            }
        } catch (IOException e) {
            deleteScratch(scratch);
            throw new InfrastructureException(
                    "cannot prepare QEMU in " + artefacts, e.toString(), "is the disk full?", e);
        } catch (RuntimeException e) {
            deleteScratch(scratch);
            throw e;
        }
    }

    public Qmp qmp() {
        return qmp;
    }

    /** Process id on the host, for reading its memory from outside. */
    public long pid() {
        return process.pid();
    }

    /**
     * The guest's memory as a file: offsets are guest physical addresses, as long as the memory
     * ends below q35's PCI hole.
     *
     * @param size in bytes, by which it is told from other files of QEMU
     */
    public Path memory(long size) {
        return GuestRam.memfd(Path.of("/proc/" + pid() + "/fd"), size);
    }

    /** The virtio-serial port of the guest's agent. */
    public SocketChannel agent() {
        return agent;
    }

    /** The guest's serial console. */
    public SocketChannel console() {
        return console;
    }

    /**
     * Adds a virtio-serial port, by which the guest and the caller can send each other bytes.
     *
     * @param name what the guest knows it by
     */
    public SocketChannel addPort(String name) {
        Path path = scratch.resolve(name);
        vanishesWithUs(path);
        try (ServerSocketChannel server = listen(path)) {
            qmp.execute(
                    "chardev-add",
                    Map.of(
                            "id",
                            name,
                            "backend",
                            Map.of(
                                    "type",
                                    "socket",
                                    "data",
                                    Map.of(
                                            "addr",
                                            Map.of(
                                                    "type",
                                                    "unix",
                                                    "data",
                                                    Map.of("path", path.toString())),
                                            "server",
                                            false))));
            qmp.execute(
                    "device_add",
                    Map.of("driver", "virtserialport", "id", name, "chardev", name, "name", name));
            // QEMU has connected by now, or refused the first command.
            return server.accept();
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot add the port " + name, e.toString(), "log: " + log, e);
        }
    }

    /** Takes a port away, which the guest has not open. There can be some thirty at a time. */
    public void removePort(String name) {
        qmp.execute("device_del", Map.of("id", name));
        qmp.await(
                "DEVICE_DELETED",
                device -> device.path("device").asText().equals(name),
                qmp.limit());
        qmp.execute("chardev-remove", Map.of("id", name));
    }

    /** Has QEMU connect its gdbstub, which stops the guest. */
    public SocketChannel connectGdbStub() {
        Path path = scratch.resolve("gdbstub");
        vanishesWithUs(path);
        try (ServerSocketChannel server = listen(path)) {
            startGdbStub("unix:" + path);
            return server.accept();
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot connect to QEMU's gdbstub", e.toString(), "log: " + log, e);
        }
    }

    /** Has QEMU wait for a gdb at a unix socket. */
    public Path awaitGdb() {
        Path path = scratch.resolve("gdb");
        vanishesWithUs(path);
        startGdbStub("unix:" + path + ",server=on,wait=off");
        return path;
    }

    private void startGdbStub(String device) {
        String said = qmp.monitor("gdbserver " + device);
        if (said.contains("Could not")) {
            throw new InfrastructureException(
                    "QEMU does not start its gdbstub", said.strip(), "log: " + log);
        }
    }

    /** A directory for sockets and device memory that vanishes when QEMU is closed. */
    public Path scratch() {
        return scratch;
    }

    /**
     * Has QEMU stay with a guest that shuts down or panics, for the sake of its memory. Whoever
     * listens to the agent is told the end then, and not what it may have said last.
     */
    public void stayAfterShutdown() {
        shutdown.hangUp();
        qmp.execute("set-action", Map.of("shutdown", "pause"));
    }

    /** True once the guest has shut down, which is when QEMU ends unless it has to stay. */
    public boolean hasShutDown() {
        return shutdown.seen();
    }

    /** True once the process has ended, by itself or killed. */
    public boolean hasEnded() {
        return process.exit().isDone();
    }

    /** Ends the process and waits for it; what it has sent can still be read from its sockets. */
    public void kill() {
        process.kill();
        try {
            process.exit().get();
        } catch (ExecutionException e) {
            throw new InfrastructureException("cannot stop QEMU", e.toString(), "log: " + log, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        try {
            kill();
            qmp.close();
            agent.close();
            console.close();
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot close QEMU's sockets", e.toString(), "log: " + log, e);
        } finally {
            deleteScratch(scratch);
        }
    }

    /** Has a file deleted when the JVM is interrupted before the guest was closed. */
    public static void vanishesWithUs(Path file) {
        file.toFile().deleteOnExit();
    }

    private static Path temporaryDirectory() {
        try {
            // Not below the report directory: a unix socket's path has 107 bytes at most.
            Path scratch = Files.createTempDirectory("dmabuf-lab-");
            vanishesWithUs(scratch);
            SOCKETS.forEach(id -> vanishesWithUs(scratch.resolve(id)));
            return scratch;
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot create a directory for QEMU's sockets",
                    e.toString(),
                    "is " + System.getProperty("java.io.tmpdir") + " writable?",
                    e);
        }
    }

    private static void deleteScratch(Path scratch) {
        try {
            try (Stream<Path> files = Files.list(scratch)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(scratch);
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot remove " + scratch, e.toString(), "remove it by hand", e);
        }
    }

    private static ServerSocketChannel listen(Path path) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path));
        return server;
    }

    private static Void close(ServerSocketChannel... servers) {
        for (ServerSocketChannel server : servers) {
            try {
                server.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return null;
    }

    private static String lastWords(Path log) {
        try {
            List<String> lines = Files.exists(log) ? Files.readAllLines(log) : List.of();
            List<String> telling =
                    lines.stream().filter(l -> !l.contains("TCG doesn't support")).toList();
            int from = Math.max(0, telling.size() - 5);
            return telling.isEmpty()
                    ? "it printed nothing"
                    : String.join("\n", telling.subList(from, telling.size()));
        } catch (IOException e) {
            return "its log cannot be read: " + e.getMessage();
        }
    }
}
