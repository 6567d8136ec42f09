// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.guest.Schedule.Point;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.kernel.SymbolTable;
import dmabuflab.qemu.GdbStub;
import dmabuflab.qemu.GdbStub.Register;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/**
 * Holds the guest's CPUs to a {@link Schedule}, from outside, by breakpoints of QEMU's gdbstub: a
 * CPU that comes to a point before its turn stands still until all points before have been passed,
 * while the others run. It begins when the first point is passed; points that are passed before
 * that do not count, nor do calls that others were in then. Where both ends of a function are
 * points, they are those of one call.
 *
 * <p>What stands still is a CPU, not a thread: whoever waits for an answer from it, to an
 * interprocessor interrupt for instance, waits too. If nothing goes on for as long as the limit,
 * all CPUs are let go and the schedule was not kept. With all CPUs held it begins anew.
 */
public final class Pin implements AutoCloseable {
    /** What was done, and what QEMU's gdbstub was told and said, in the artefact directory. */
    public static final String LOG = "pin.log";

    private static final Duration GLANCE = Duration.ofMillis(20);

    /** Of an address, which thread's stack it is on: they are 16 KiB, with KASAN 32, and apart. */
    private static final long STACK = -0x8000L;

    private final GdbStub stub;
    private final SymbolTable symbols;
    private final List<Point> points;
    private final Map<String, Long> entries = new HashMap<>();
    private final Duration limit;
    private final Consumer<String> teller;
    private final PrintWriter log;

    private final Set<Integer> cpus = new TreeSet<>();
    private final Map<Integer, Integer> held = new TreeMap<>();
    private final List<Call> calls = new ArrayList<>();
    private final Set<Long> inserted = new HashSet<>();
    private final CompletableFuture<String> result = new CompletableFuture<>();
    private int turn;
    private volatile boolean ending;

    /**
     * A call that is to return to an address, when the stack is as it was before.
     *
     * @param stack what the stack pointer is then
     * @param atPoint whether it began at a point, either passed then or held before it
     * @param since whether it began after the schedule, or has led to its first point
     */
    private record Call(String function, long address, long stack, boolean atPoint, boolean since) {
        Call knownToBe(boolean underWay) {
            return new Call(function, address, stack, atPoint && underWay, underWay);
        }
    }

    private Pin(
            Guest guest,
            SymbolTable symbols,
            Schedule schedule,
            Duration limit,
            Consumer<String> teller,
            PrintWriter log) {
        this.symbols = symbols;
        this.points = schedule.points();
        this.limit = limit;
        this.teller = teller.andThen(log::println);
        this.log = log;
        points.forEach(point -> entries.put(point.function(), symbols.address(point.function())));
        this.stub = guest.gdbStub(log::println);
        int count = stub.cpus();
        for (int cpu = 1; cpu <= count; cpu++) {
            cpus.add(cpu);
        }
    }

    /**
     * Starts to watch a guest. Nobody else may use its gdbstub until it is closed.
     *
     * @param symbols of its kernel
     * @param limit how long CPUs stand still while none of them passes a point
     * @param artefacts where its log goes
     * @param teller is told in a line what happens, from another thread
     * @throws InfrastructureException when the kernel has no such function
     */
    public static Pin start(
            Guest guest,
            SymbolTable symbols,
            Schedule schedule,
            Duration limit,
            Path artefacts,
            Consumer<String> teller) {
        // Who is to go on must not wait behind who stands still, for a CPU.
        guest.agent().call("race.spread", Map.of());
        Path file = artefacts.resolve(LOG);
        Pin pin;
        try {
            PrintWriter log = new PrintWriter(file.toFile(), StandardCharsets.UTF_8);
            pin = new Pin(guest, symbols, schedule, limit, teller, log);
        } catch (IOException e) {
            throw Disk.failure("cannot write " + file, file, e);
        }
        Thread thread = new Thread(pin::run, "pin");
        thread.setDaemon(true);
        thread.start();
        return pin;
    }

    /**
     * Lets all CPUs go, if they are not yet.
     *
     * @return "" if the schedule was kept, otherwise why not
     * @throws InfrastructureException when QEMU has gone
     */
    public String end() {
        ending = true;
        try {
            return result.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof InfrastructureException failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
    }

    /** Ends it, whatever came of it; for when QEMU may have gone. */
    @Override
    public void close() {
        ending = true;
        result.handle((kept, failure) -> kept).join();
        stub.close();
        log.close();
    }

    private void run() {
        try {
            result.complete(watch());
        } catch (RuntimeException e) {
            result.completeExceptionally(e);
        }
    }

    private String watch() {
        String why = "";
        setBreakpoints();
        stub.resume(cpus);
        long progress = System.nanoTime();
        while (turn < points.size() && why.isEmpty()) {
            Optional<Integer> stopped = stub.awaitStop(GLANCE);
            if (stopped.isPresent()) {
                int before = turn;
                look(stopped.get());
                setBreakpoints();
                progress = turn > before ? System.nanoTime() : progress;
                if (running().isEmpty()) {
                    startOver();
                }
                if (turn < points.size()) {
                    stub.resume(running());
                }
            } else if (ending) {
                stub.interrupt();
                why = whyNot("that was all");
            } else if (!held.isEmpty() && elapsed(progress) > limit.toNanos()) {
                stub.interrupt();
                why = whyNot("nothing for " + limit.toMillis() + " ms");
            }
        }
        turn = points.size();
        calls.clear();
        setBreakpoints();
        teller.accept(why.isEmpty() ? "schedule kept" : why);
        stub.detach();
        return why;
    }

    /**
     * Who was on the way already when the first point was passed can be in nobody's order: with all
     * CPUs held that was no beginning.
     */
    private void startOver() {
        teller.accept("every CPU is held: from the beginning");
        turn = 0;
        calls.replaceAll(call -> call.knownToBe(false));
        setBreakpoints();
        for (int cpu : Set.copyOf(held.keySet())) {
            held.remove(cpu);
            stepOver(cpu, stub.register(cpu, Register.RIP));
        }
    }

    private static long elapsed(long since) {
        return System.nanoTime() - since;
    }

    private Set<Integer> running() {
        Set<Integer> running = new TreeSet<>(cpus);
        running.removeAll(held.keySet());
        return running;
    }

    /** A CPU has stopped: it passes a point, or stands still before it, or does not matter. */
    private void look(int cpu) {
        long address = stub.register(cpu, Register.RIP);
        Optional<Integer> point = pointOfReturn(cpu, address);
        if (point.isEmpty()) {
            point = pointOfEntry(cpu, address);
        }
        if (point.isPresent() && point.get() > turn) {
            held.put(cpu, point.get());
            teller.accept(
                    String.format(
                            "CPU %d is held at %d: %s",
                            cpu, point.get() + 1, points.get(point.get())));
            return;
        }
        if (point.isPresent()) {
            pass(cpu);
        }
        setBreakpoints();
        stepOver(cpu, address);
    }

    /** This one, and all that have waited for just that. */
    private void pass(int cpu) {
        teller.accept(
                String.format(
                        "CPU %d passes %d of %d: %s",
                        cpu, turn + 1, points.size(), points.get(turn)));
        if (turn == 0) {
            long thread = stub.register(cpu, Register.RSP) & STACK;
            calls.replaceAll(call -> call.knownToBe((call.stack() & STACK) == thread));
        }
        turn++;
        for (Map.Entry<Integer, Integer> each : Map.copyOf(held).entrySet()) {
            if (each.getValue() == turn) {
                int next = each.getKey();
                held.remove(next);
                pass(next);
                setBreakpoints();
                stepOver(next, stub.register(next, Register.RIP));
                return;
            }
        }
    }

    private Optional<Integer> pointOfReturn(int cpu, long address) {
        long stack = stub.register(cpu, Register.RSP);
        for (Iterator<Call> all = calls.iterator(); all.hasNext(); ) {
            Call call = all.next();
            if (call.address() == address && call.stack() == stack) {
                all.remove();
                int value = (int) stub.register(cpu, Register.RAX);
                return next(call.function(), true)
                        .filter(index -> points.get(index).value().orElse(value) == value)
                        .filter(index -> turn == 0 || call.since())
                        .filter(index -> call.atPoint() || !beginsBefore(index));
            }
        }
        return Optional.empty();
    }

    private Optional<Integer> pointOfEntry(int cpu, long address) {
        for (Map.Entry<String, Long> entry : entries.entrySet()) {
            if (entry.getValue() == address) {
                Optional<Integer> point = next(entry.getKey(), false);
                if (returnsLater(entry.getKey())) {
                    long stack = stub.register(cpu, Register.RSP);
                    long back = stub.memory(cpu, stack);
                    long then = stack + Long.BYTES;
                    boolean atPoint = point.isPresent();
                    calls.add(new Call(entry.getKey(), back, then, atPoint, turn > 0));
                }
                return point;
            }
        }
        return Optional.empty();
    }

    /** The next point in this function that counts by now. */
    private Optional<Integer> next(String function, boolean returns) {
        int end = turn == 0 ? 1 : points.size();
        for (int index = turn; index < end; index++) {
            Point point = points.get(index);
            if (point.function().equals(function) && point.returns() == returns) {
                return Optional.of(index);
            }
        }
        return Optional.empty();
    }

    /**
     * Whether a call that begins now may come to a point when it returns. That is so before the
     * first point too: what passes the first may be part of the call.
     */
    private boolean returnsLater(String function) {
        return points.subList(turn, points.size()).stream()
                .anyMatch(point -> point.returns() && point.function().equals(function));
    }

    /** Whether the call that is to return at this point is one that begins at an earlier one. */
    private boolean beginsBefore(int index) {
        String function = points.get(index).function();
        return points.subList(0, index).stream()
                .anyMatch(point -> !point.returns() && point.function().equals(function));
    }

    private void stepOver(int cpu, long address) {
        if (inserted.contains(address)) {
            stub.remove(address);
            stub.step(cpu);
            stub.insert(address);
        }
    }

    private void setBreakpoints() {
        Set<Long> wanted = new HashSet<>();
        entries.forEach(
                (function, address) -> {
                    if (returnsLater(function) || next(function, false).isPresent()) {
                        wanted.add(address);
                    }
                });
        calls.forEach(call -> wanted.add(call.address()));
        for (long address : Set.copyOf(inserted)) {
            if (!wanted.contains(address)) {
                stub.remove(address);
                inserted.remove(address);
            }
        }
        for (long address : wanted) {
            if (inserted.add(address)) {
                stub.insert(address);
            }
        }
    }

    private String whyNot(String reason) {
        StringBuilder why = new StringBuilder("schedule not kept: nobody has passed point ");
        why.append(turn + 1).append(", ").append(points.get(turn)).append(", ").append(reason);
        for (int cpu : cpus) {
            String where = symbols.describe(stub.register(cpu, Register.RIP));
            why.append("; CPU ").append(cpu);
            why.append(
                    held.containsKey(cpu)
                            ? " was held before point " + (held.get(cpu) + 1)
                            : " was in " + where);
        }
        return why.toString();
    }
}
