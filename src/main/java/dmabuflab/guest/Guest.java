// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import com.fasterxml.jackson.databind.JsonNode;
import dmabuflab.host.Command;
import dmabuflab.host.InfrastructureException;
import dmabuflab.kernel.KernelImage;
import dmabuflab.qemu.GdbStub;
import dmabuflab.qemu.JsonLines;
import dmabuflab.qemu.QemuProcess;
import dmabuflab.qemu.Qmp;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A running guest with its agent ready. Close it to end QEMU; the artefact directory then holds
 * console.log, agent.log, qemu.log, qemu-trace.log and qemu-command.sh.
 */
public final class Guest implements AutoCloseable {
    private final GuestImage image;
    private final QemuProcess qemu;
    private final Console console;
    private final Agent agent;
    private final Path artefacts;

    /** First line of {@code agent.log}: when it was that its times count from. */
    public static final String BEGAN = "began ";

    private static final int CLOCK_READINGS = 5;

    /** Nanoseconds, which a guest that has nothing else to do keeps to. */
    private static final long GOOD_READING = 4_000_000;

    private final PrintWriter agentLog;
    private final Slots slots;
    private final String boot;
    private TimeScale scale;
    private int drained;

    private Guest(
            GuestImage image,
            QemuProcess qemu,
            Console console,
            Agent agent,
            Path artefacts,
            PrintWriter agentLog,
            String boot,
            TimeScale scale) {
        this.image = image;
        this.qemu = qemu;
        this.console = console;
        this.agent = agent;
        this.artefacts = artefacts;
        this.agentLog = agentLog;
        this.slots = new Slots(this);
        this.boot = boot;
        this.scale = scale;
    }

    /**
     * Boots a guest and waits for its agent.
     *
     * @param artefacts existing directory that receives all logs
     * @param console is told what the guest prints, from another thread
     */
    public static Guest boot(
            GuestImage image, Path artefacts, TimeScale scale, Consumer<byte[]> console) {
        return boot(image, List.of(), artefacts, scale, console, guest -> {});
    }

    /**
     * The same, with somebody who looks at it before it has executed anything.
     *
     * @param visitor has to see to it that the guest runs in the end
     */
    public static Guest bootFromTheStart(
            GuestImage image,
            Path artefacts,
            TimeScale scale,
            Consumer<byte[]> console,
            Consumer<Guest> visitor) {
        return boot(image, List.of("-S"), artefacts, scale, console, visitor);
    }

    private static Guest boot(
            GuestImage image,
            List<String> more,
            Path artefacts,
            TimeScale scale,
            Consumer<byte[]> console,
            Consumer<Guest> visitor) {
        long start = System.nanoTime();
        Guest guest = start(image, more, artefacts, scale, console, "cold boot");
        try {
            visitor.accept(guest);
            guest.agent.allowSilence(scale.boot(), guest.console.hasPrinted(scale.longestBoot()));
            guest.agent.call("agent.hello", Map.of());
            guest.scale = scale.measuredBy(Duration.ofNanos(System.nanoTime() - start));
            guest.agent.allowSilence(guest.scale.silence());
            return guest;
        } catch (RuntimeException | Error e) {
            guest.kill(e);
            throw e;
        }
    }

    /** Continues a guest from a saved state, with the speed it had when it was saved. */
    static Guest restore(
            GoldenSnapshot saved, Path artefacts, TimeScale scale, Consumer<byte[]> console) {
        TimeScale measured = scale.measuredBy(saved.boot());
        try {
            console.accept(Files.readAllBytes(saved.console()));
        } catch (IOException e) {
            throw unusable(saved, e);
        }
        List<String> incoming = List.of("-incoming", "defer");
        Guest guest = start(saved.image(), incoming, artefacts, measured, console, "restored");
        try {
            MemoryImage.load(saved.memory(), guest.memory());
            Migration.load(guest.qmp(), saved.state(), measured.silence());
            guest.agent.call("agent.hello", Map.of());
            return guest;
        } catch (IOException e) {
            InfrastructureException failure = unusable(saved, e);
            guest.kill(failure);
            throw failure;
        } catch (RuntimeException | Error e) {
            guest.kill(e);
            throw e;
        }
    }

    private static InfrastructureException unusable(GoldenSnapshot saved, IOException e) {
        return new InfrastructureException(
                "cannot load a saved guest",
                e.toString(),
                "delete " + saved.memory().getParent(),
                e);
    }

    private static Guest start(
            GuestImage image,
            List<String> more,
            Path artefacts,
            TimeScale scale,
            Consumer<byte[]> listener,
            String boot) {
        List<String> words = new ArrayList<>(image.machineArguments());
        words.addAll(more);
        QemuProcess qemu = QemuProcess.start(image.qemu(), words, artefacts, scale.silence());
        try {
            PrintWriter log =
                    new PrintWriter(
                            artefacts.resolve("agent.log").toFile(), StandardCharsets.UTF_8);
            Console console =
                    new Console(qemu.console(), artefacts.resolve("console.log"), listener);
            long start = System.nanoTime();
            log.println(BEGAN + Instant.now());
            Consumer<String> transcript =
                    line -> log.printf("%10.6f %s%n", (System.nanoTime() - start) / 1e9, line);
            Agent agent =
                    new Agent(new JsonLines("agent", qemu.agent(), transcript), scale.silence());
            return new Guest(image, qemu, console, agent, artefacts, log, boot, scale);
        } catch (IOException e) {
            qemu.close();
            throw new InfrastructureException(
                    "cannot write the guest's logs to " + artefacts,
                    e.toString(),
                    "is the disk full?",
                    e);
        }
    }

    /**
     * Has the agent tell its time, for {@code agent.log}. How the clocks compare is known as well
     * as an exchange is short, and the first one of a guest is long.
     */
    public void compareClocks() {
        long shortest = Long.MAX_VALUE;
        for (int n = 0; n < CLOCK_READINGS && shortest > GOOD_READING; n++) {
            long start = System.nanoTime();
            agent.call("agent.hello", Map.of());
            shortest = Math.min(shortest, System.nanoTime() - start);
        }
    }

    public Agent agent() {
        return agent;
    }

    public Qmp qmp() {
        return qemu.qmp();
    }

    /** Process id of QEMU on the host. */
    public long pid() {
        return qemu.pid();
    }

    /** The guest's memory as a file: offsets are guest physical addresses. */
    public Path memory() {
        return qemu.memory(GuestImage.MEMORY);
    }

    /** The kernel that it has booted. */
    public KernelImage kernel() {
        return image.kernel();
    }

    /** Where its logs are. */
    public Path artefacts() {
        return artefacts;
    }

    /** "restored" or "cold boot". */
    public String bootedHow() {
        return boot;
    }

    public TimeScale scale() {
        return scale;
    }

    /** Has its memory kept when it shuts down or panics, for {@link #dumpMemory}. */
    public void keepMemoryAfterShutdown() {
        qemu.stayAfterShutdown();
    }

    /** True once it has shut down or panicked, whether or not QEMU stays for its memory. */
    public boolean hasShutDown() {
        return qemu.hasShutDown();
    }

    /** True when QEMU is no longer there, whoever ended it. */
    public boolean hasEnded() {
        return qemu.hasEnded();
    }

    /**
     * Hot-plugs a device and waits until the guest has it.
     *
     * @param description name of a file in qemu/devices, with a size where it needs one: {@code
     *     edu}, {@code ivshmem:16M}
     */
    public PluggedDevice plug(Path devices, String description) {
        return slots.plug(devices, description, qemu.scratch());
    }

    /** Adds a virtio-serial port, which the guest knows by this name. */
    SocketChannel addPort(String name) {
        return qemu.addPort(name);
    }

    /** Takes away one that nothing in the guest has open. */
    void removePort(String name) {
        qemu.removePort(name);
    }

    /**
     * QEMU's gdbstub, with the guest standing still.
     *
     * @param transcript is told all that is said
     */
    GdbStub gdbStub(Consumer<String> transcript) {
        return new GdbStub(qemu.connectGdbStub(), scale.silence(), transcript);
    }

    /** Has QEMU wait for a gdb; the guest stands still as soon as one has connected. */
    public Path awaitGdb() {
        return qemu.awaitGdb();
    }

    /** Ends QEMU and returns the last lines of its console. */
    String lastLines(int count) {
        qemu.kill();
        try {
            return console.lastLines(count);
        } catch (IOException e) {
            throw unrecorded(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    /** Ends QEMU at once, as another thread may do too; the guest still has to be closed. */
    void kill() {
        qemu.kill();
    }

    /** Has the agent say its last word, so that no answer of it can be lost unnoticed. */
    public void bye() {
        agent.bye();
    }

    /** Waits until the console has everything that the kernel has logged, lest it be overlooked. */
    public void settle() {
        drainConsole("dmabuf-lab: end of scenario");
    }

    /** What the kernel holds against itself by now. */
    public Taint taint() {
        Map<String, ?> file = Map.of("path", "/proc/sys/kernel/tainted");
        return new Taint(Long.parseLong(agent.call("file.read", file).text("text").strip()));
    }

    /** Has the kernel print its blocked tasks on the console. */
    public void showBlockedTasks() {
        agent.call("file.write", Map.of("path", "/proc/sysrq-trigger", "text", "w"));
        drainConsole("dmabuf-lab: end of blocked tasks");
    }

    /**
     * Writes its memory to a file that gdb opens together with vmlinux, at the addresses that the
     * kernel has it at. The guest stands still meanwhile. What was never used takes no space.
     */
    public void dumpMemory(Path file) throws IOException {
        Path partial = file.resolveSibling(file.getFileName() + ".partial");
        try {
            qemu.qmp()
                    .execute(
                            "dump-guest-memory",
                            Map.of("paging", true, "detach", true, "protocol", "file:" + partial));
            JsonNode end = qemu.qmp().await("DUMP_COMPLETED", data -> true, scale.boot());
            if (!end.path("result").path("status").asText().equals("completed")) {
                throw new InfrastructureException(
                        "QEMU could not write the guest's memory to " + partial,
                        end.path("error").asText(),
                        "is there space for 1 GiB?");
            }
            // Where a file cannot have holes it is as good.
            int unused = Command.of("fallocate", "--dig-holes", partial.toString()).run();
            Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    /**
     * Logs a line and waits until it is on the console, and with it all lines before: the kernel
     * prints from a thread of its own, some time after it has logged.
     */
    void drainConsole(String line) {
        // Numbered, for one that was printed before is not to be taken for it.
        String mark = "%s (%d)".formatted(line, ++drained);
        CountDownLatch printed = console.watchFor(mark + "\r\n");
        agent.call("file.write", Map.of("path", "/dev/kmsg", "text", mark + "\n"));
        if (!await(printed)) {
            throw new GuestHung("the kernel does not print what it has logged");
        }
    }

    private boolean await(CountDownLatch latch) {
        try {
            return latch.await(scale.silence().toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Ends QEMU at once. */
    @Override
    public void close() {
        try (qemu;
                agentLog) {
            qemu.kill();
            console.finish();
        } catch (IOException e) {
            throw unrecorded(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static InfrastructureException unrecorded(IOException e) {
        return new InfrastructureException(
                "cannot record the guest's console", e.toString(), "is the disk full?", e);
    }

    private void kill(Throwable reason) {
        try {
            close();
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        }
    }
}
