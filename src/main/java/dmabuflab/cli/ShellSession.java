// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.guest.CopiedDirectory;
import dmabuflab.guest.Guest;
import dmabuflab.guest.GuestShell;
import dmabuflab.guest.PluggedDevice;
import dmabuflab.host.Terminal;
import dmabuflab.scenario.HardwareView;
import dmabuflab.scenario.IommuModel;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;

/**
 * A person, or a script, in a guest.
 *
 * @param script what is run in place of a shell for a person
 * @param share a directory to copy there and back
 * @param logs a directory for what is made on the way
 * @param debugger attaches to the guest first
 * @param monitored whether to show the guest from outside meanwhile
 */
record ShellSession(
        CommandLine command,
        Optional<byte[]> script,
        Optional<Path> share,
        Path logs,
        Optional<Debugger> debugger,
        boolean monitored) {

    /** Prepares a guest for it, and attaches the debugger if there is one. */
    GuestShell open(Guest guest) {
        debugger.ifPresent(each -> each.attach(guest));
        return new GuestShell(guest);
    }

    /**
     * Lasts until the shell ends.
     *
     * @param shell of a guest that may have had a session before
     * @param iommu what the guest has, if that is known
     * @param title to tell a person first, in a line
     * @param plugged what else to tell, a line each
     * @return the shell's exit status, empty if the person left it with Ctrl-]
     */
    Optional<Integer> in(
            GuestShell shell,
            Optional<IommuModel> iommu,
            String title,
            Map<PluggedDevice, String> plugged) {
        if (!monitored) {
            return in(shell, title, plugged.values());
        }
        HardwareView hardware =
                new HardwareView(shell.guest(), iommu.orElseThrow(), plugged.keySet());
        try (Monitor watches = new Monitor(hardware, title.lines().findFirst().orElse(""), logs)) {
            watches.show(command.getOut());
            return in(shell, title, plugged.values());
        }
    }

    private Optional<Integer> in(GuestShell shell, String title, Collection<String> plugged) {
        Optional<CopiedDirectory> copied =
                share.map(directory -> CopiedDirectory.send(shell, directory, logs));
        Optional<Integer> status;
        if (script.isPresent()) {
            status =
                    Optional.of(
                            shell.run(
                                    script.get(),
                                    new FileOutputStream(FileDescriptor.out),
                                    new FileOutputStream(FileDescriptor.err)));
        } else {
            greet(title, plugged);
            status = interact(shell);
        }
        if (status.isEmpty()) {
            command.getErr().println(); // the cursor is anywhere
        } else {
            copied.ifPresent(CopiedDirectory::fetch);
        }
        return status;
    }

    /** Plugs devices in, and tells of each where it is. */
    static Map<PluggedDevice, String> plug(Guest guest, Path descriptions, List<String> devices) {
        Map<PluggedDevice, String> plugged = new LinkedHashMap<>();
        for (String device : devices) {
            PluggedDevice where = guest.plug(descriptions, device);
            plugged.put(where, describe(device, where));
        }
        return plugged;
    }

    /** A device and where it is. */
    static String describe(String device, PluggedDevice plugged) {
        return String.format(
                        "  %-20s %s  %s",
                        device,
                        plugged.bdf(),
                        plugged.memory() == null ? "" : plugged.memory().toString())
                .stripTrailing();
    }

    private static Optional<Integer> interact(GuestShell shell) {
        try (Terminal terminal = Terminal.raw()) {
            Terminal.onResize(() -> shell.resize(Terminal.size()));
            return shell.interact(
                    Terminal.size(), System.in, new FileOutputStream(FileDescriptor.out));
        }
    }

    private void greet(String title, Collection<String> plugged) {
        PrintWriter out = command.getOut();
        out.println(title);
        plugged.forEach(out::println);
        share.ifPresent(
                directory ->
                        out.printf(
                                "  %-20s %s%n", CopiedDirectory.PLACE, directory.toAbsolutePath()));
        out.println(
                "labctl help: what the agent can do. exit or Ctrl-D: the end. Ctrl-]: at once.");
        out.flush();
    }
}
