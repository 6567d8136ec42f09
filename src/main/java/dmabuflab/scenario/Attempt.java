// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Bundle;
import dmabuflab.guest.ExecutionCounters;
import dmabuflab.guest.Guest;
import dmabuflab.guest.GuestHung;
import dmabuflab.guest.Pin;
import dmabuflab.guest.PluggedDevice;
import dmabuflab.guest.Schedule;
import dmabuflab.guest.Taint;
import dmabuflab.kernel.ExecutedLines;
import dmabuflab.report.Cell;
import dmabuflab.report.Outcome;
import dmabuflab.report.SequenceDiagram;
import dmabuflab.timeline.Timeline;
import dmabuflab.witness.ConsoleFinding;
import dmabuflab.witness.ConsoleReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.opentest4j.TestAbortedException;

/** One scenario's guest, from its start to the verdict. */
final class Attempt {
    private final Lab lab;
    private final MachineModel model;
    private final Path directory;
    private final List<String> devices;
    private final boolean needsSecondWitness;
    private final Optional<Stop> stop;
    private final Map<String, PluggedDevice> plugged = new LinkedHashMap<>();
    private final ConsoleReport console = new ConsoleReport();
    private final Testimony testimony = new Testimony();
    private final List<Part> parts = new ArrayList<>();
    private final Optional<Schedule> schedule;
    private Guest guest;
    private Testbed testbed;
    private Optional<Pin> pin = Optional.empty();
    private boolean visited;

    /**
     * @param devices what is to be plugged in
     * @param stop where somebody wants to see the guest
     * @param schedule what the guest's CPUs are held to
     */
    Attempt(
            Lab lab,
            MachineModel model,
            Path directory,
            List<String> devices,
            boolean needsSecondWitness,
            Optional<Stop> stop,
            Optional<Schedule> schedule) {
        this.lab = lab;
        this.model = model;
        this.directory = directory;
        this.devices = devices;
        this.needsSecondWitness = needsSecondWitness;
        this.stop = stop;
        this.schedule = schedule;
    }

    Path directory() {
        return directory;
    }

    Testimony testimony() {
        return testimony;
    }

    /** What the scenario had to tell of its parts so far. */
    List<Part> parts() {
        return parts;
    }

    /** What the scenario has said that it expects, if it came to that. */
    Optional<Cell> expected() {
        return testbed == null ? Optional.empty() : testbed.expected();
    }

    Testbed testbed() {
        return testbed;
    }

    Guest start() {
        guest = lab.guest(model, directory, console::accept);
        if (lab.keepsMemory()) {
            guest.keepMemoryAfterShutdown();
        }
        testbed = new Testbed(guest, lab, model.iommu(), directory, testimony, parts);
        stop.flatMap(Stop::before)
                .ifPresent(
                        number -> guest.agent().before(number, next -> stopBefore(number, next)));
        return guest;
    }

    void plugDevices() {
        for (String device : devices) {
            plugged.put(
                    device + (plugged.containsKey(device) ? " again" : ""), testbed.plug(device));
        }
    }

    /** From now on the guest's CPUs are held to the schedule, if there is one. */
    void pin() throws IOException {
        if (schedule.isPresent()) {
            Duration limit = testbed.limit().dividedBy(2);
            pin =
                    Optional.of(
                            Pin.start(
                                    guest,
                                    lab.symbols(),
                                    schedule.get(),
                                    limit,
                                    directory,
                                    line -> {}));
        }
    }

    private void requireLeftAlone() {
        if (visited) {
            throw new TestAbortedException("somebody was in its guest, so there is no verdict");
        }
    }

    /** Whatever comes after a person had a hand in it, is no verdict. */
    private void stopBefore(long number, String next) {
        visited = true;
        List<String> why = new ArrayList<>();
        why.add("before operation %d: %s".formatted(number, next));
        why.addAll(testimony.sinceLastAsked());
        if (!show(String.join("\n", why))) {
            throw new TestAbortedException("it was left before operation " + number);
        }
        testbed.listen();
        // Numbers go on as if nobody had asked the agent anything meanwhile.
        long afterNext = guest.agent().operations() + 2;
        guest.agent().before(afterNext, following -> stopBefore(number + 1, following));
    }

    private boolean show(String why) {
        // A person's doings are nothing that a witness has said.
        guest.agent().observe(line -> {});
        return stop.orElseThrow().visitor().visit(guest, model.iommu(), plugged, why);
    }

    /**
     * Puts the guest beside its logs, for somebody who wants to know more.
     *
     * @param what whose guest it is and why, in a few words
     */
    void bundle(String what) {
        lab.bundle(model, directory, what, devices);
    }

    /**
     * Ends the guest and looks at what it left.
     *
     * @param failure what the scenario failed with; without one the guest has to end in good order
     * @throws GuestCrashed when the kernel complained on the console, even if every assertion held
     */
    void finish(Optional<Throwable> failure) throws IOException {
        Throwable problem = null;
        Ending ending = new Ending();
        try (Guest closedLast = guest;
                Pin closedSecond = pin.orElse(null);
                Testbed closedFirst = testbed) {
            end(failure, ending);
        } catch (RuntimeException | IOException | AssertionError e) {
            problem = e;
        }
        console.finish();
        try {
            conclude(failure, ending, problem);
        } catch (RuntimeException | IOException | AssertionError e) {
            ending.unkept.forEach(e::addSuppressed);
            throw e;
        }
        ending.unkept.forEach(e -> failure.ifPresent(first -> first.addSuppressed(e)));
    }

    /** What a guest told at its end. */
    private static final class Ending {
        private Taint taint = new Taint(0);
        private String notKept = "";

        /** Those that count, where somebody went on to use the guest. */
        private Optional<List<ConsoleFinding>> findings = Optional.empty();

        /** Whether its state need not be kept any more, and what came of trying to. */
        private boolean kept;

        private final List<Throwable> unkept = new ArrayList<>();
    }

    private void end(Optional<Throwable> failure, Ending ending) throws IOException {
        try {
            boolean running = guest != null && !guest.hasEnded() && !guest.hasShutDown();
            if (running && pin.isPresent()) {
                ending.notKept = pin.get().end();
            }
            // Before it is asked anything: it may no longer answer. No scenario shuts its guest
            // down.
            if (Verdict.of(failure).isRed() || (guest != null && guest.hasShutDown())) {
                keepState(ending);
            }
            if (running && !(failure.orElse(null) instanceof GuestHung)) {
                guest.compareClocks();
                Files.writeString(directory.resolve("trace.txt"), testbed.trace().read());
                if (lab.kernel().countsExecution()) {
                    Files.write(
                            directory.resolve(ExecutedLines.ARCHIVE),
                            ExecutionCounters.read(guest));
                }
            }
            if (failure.isEmpty()) {
                ending.taint = guest.taint();
                guest.settle();
                if (hasComplaint(console.findings(), ending.taint) || lacksSecondWitness()) {
                    keepState(ending);
                }
            } else if (running) {
                // An operation that hangs leaves the agent's loop alive: it may still tell where.
                // The console has all that was logged after that, as above.
                guest.showBlockedTasks();
            }
            if (running && stop.isPresent() && stop.get().before().isEmpty()) {
                // What a person makes of the guest is not the scenario's.
                ending.findings = Optional.of(console.findings());
                showIfRed(failure, ending.findings.get(), ending.taint);
            }
            // One that somebody was in need not end in good order.
            if (failure.isEmpty() && ending.findings.isEmpty()) {
                guest.bye();
            }
        } catch (RuntimeException | IOException | AssertionError e) {
            keepState(ending);
            throw e;
        }
    }

    /**
     * Keeps what the guest is at present for those who come when it has gone. It is not asked. What
     * hinders this is told beside the verdict, and changes nothing of it.
     */
    private void keepState(Ending ending) {
        boolean there = guest != null && !guest.hasEnded();
        if (ending.kept || !there || (guest.hasShutDown() && !lab.keepsMemory())) {
            return;
        }
        ending.kept = true;
        try {
            if (lab.keepsMemory()) {
                guest.dumpMemory(directory.resolve(Bundle.MEMORY));
            }
            try (HardwareView hardware = new HardwareView(guest, model.iommu(), plugged.values())) {
                Files.write(directory.resolve(HardwareState.FILE), hardware.look().lines());
            }
        } catch (RuntimeException | IOException | AssertionError e) {
            ending.unkept.add(e);
        }
    }

    private static boolean hasComplaint(List<ConsoleFinding> findings, Taint taint) {
        return !findings.isEmpty() || !taint.complaints().isEmpty();
    }

    private void conclude(Optional<Throwable> failure, Ending ending, Throwable problem)
            throws IOException {
        judge(ending.findings.orElseGet(console::findings), ending.taint, problem);
        if (!ending.notKept.isEmpty()) {
            throw new ScheduleNotKept(ending.notKept);
        } else if (failure.isEmpty()) {
            requireLeftAlone();
        }
        if (failure.isEmpty() && needsSecondWitness) {
            requireSecondWitness();
        }
    }

    private void showIfRed(Optional<Throwable> failure, List<ConsoleFinding> findings, Taint taint)
            throws IOException {
        Optional<Throwable> found = complaint(failure, findings, taint);
        Outcome outcome = Verdict.of(failure, found);
        if (outcome.isRed()) {
            boolean crash = outcome == Outcome.CRASHED && found.isPresent();
            Throwable first = crash ? found.get() : failure.or(() -> found).get();
            show(outcome.label() + ": " + Verdict.message(first));
        }
    }

    private Optional<Throwable> complaint(
            Optional<Throwable> failure, List<ConsoleFinding> findings, Taint taint)
            throws IOException {
        try {
            judge(findings, taint, null);
            if (failure.isEmpty() && needsSecondWitness) {
                requireSecondWitness();
            }
            return Optional.empty();
        } catch (GuestCrashed | AssertionError e) {
            return Optional.of(e);
        }
    }

    private void judge(List<ConsoleFinding> findings, Taint taint, Throwable problem)
            throws IOException {
        if (!findings.isEmpty()) {
            GuestCrashed crash = new GuestCrashed(findings, lab::source);
            if (problem != null) {
                crash.addSuppressed(problem);
            }
            throw crash;
        }
        if (!taint.complaints().isEmpty()) {
            GuestCrashed crash = new GuestCrashed(taint);
            if (problem != null) {
                crash.addSuppressed(problem);
            }
            throw crash;
        }
        if (problem instanceof IOException e) {
            throw e;
        } else if (problem instanceof RuntimeException e) {
            throw e;
        } else if (problem instanceof AssertionError e) {
            throw e;
        }
    }

    /** Draws what happened, from what the guest has left; after {@link #finish}. */
    void draw() throws IOException {
        Optional<SequenceDiagram> diagram =
                Timeline.of(directory, model.iommu().parser()).diagram();
        if (diagram.isPresent()) {
            Files.writeString(directory.resolve(SequenceDiagram.FILE), diagram.get().svg());
        }
    }

    private boolean lacksSecondWitness() {
        return needsSecondWitness && testimony.heard().size() < 2;
    }

    /** Nobody is believed alone: a scenario that heard one witness only has proved nothing. */
    private void requireSecondWitness() {
        assertThat(testimony.heard())
                .as("witnesses heard; a claim about memory needs two")
                .hasSizeGreaterThan(1);
    }
}
