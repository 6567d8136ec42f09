// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.guest.Guest;
import dmabuflab.guest.Pin;
import dmabuflab.guest.PluggedDevice;
import dmabuflab.guest.Schedule;
import dmabuflab.host.InfrastructureException;
import dmabuflab.scenario.Lab;
import dmabuflab.scenario.MachineModel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A guest that is there for its shell only.
 *
 * @param devices what to plug in
 * @param artefacts where its logs go
 */
record ShellGuest(Lab lab, MachineModel machine, List<String> devices, Path artefacts) {
    ShellGuest {
        String obstacle = lab.obstacle(machine);
        if (!obstacle.isEmpty()) {
            throw new InfrastructureException(
                    "there cannot be a guest with " + machine.iommu(),
                    obstacle,
                    "choose another --iommu");
        }
    }

    /** Has a shell in it, as scenarios find it. */
    Optional<Integer> shell(ShellSession session) {
        try (Guest guest = lab.guest(machine, artefacts, bytes -> {})) {
            return plugged(guest, session);
        }
    }

    /** Has a shell in it, while its CPUs are held to a schedule. */
    Optional<Integer> pinned(ShellSession session, Schedule schedule, Consumer<String> teller) {
        try (Guest guest = lab.guest(machine, artefacts, bytes -> {})) {
            Duration limit = guest.scale().silence().dividedBy(4);
            try (Pin pin = Pin.start(guest, lab.symbols(), schedule, limit, artefacts, teller)) {
                Optional<Integer> status = plugged(guest, session);
                pin.end();
                return status;
            }
        }
    }

    /** Boots it with a debugger that is there from the first instruction. */
    Optional<Integer> debuggedBoot(ShellSession session, Debugger debugger) {
        try (Guest guest = lab.guestFromTheStart(machine, artefacts, debugger::attach)) {
            return plugged(guest, session);
        }
    }

    private Optional<Integer> plugged(Guest guest, ShellSession session) {
        Map<PluggedDevice, String> plugged = ShellSession.plug(guest, lab.devices(), devices);
        String title =
                "kernel %s, %s, %s"
                        .formatted(lab.kernel().release(), machine.iommu(), guest.bootedHow());
        return session.in(session.open(guest), Optional.of(machine.iommu()), title, plugged);
    }
}
