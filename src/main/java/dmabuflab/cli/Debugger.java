// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.guest.Guest;
import dmabuflab.host.Disk;
import dmabuflab.kernel.KernelImage;
import dmabuflab.qemu.ShellScript;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A gdb for a guest: in a pane of its own if the terminal is one of tmux, otherwise a line to type
 * elsewhere. The pane is closed with this.
 */
final class Debugger implements AutoCloseable {
    private final KernelImage kernel;
    private final Path commands;
    private final PrintWriter out;
    private Optional<Pane> pane = Optional.empty();

    /**
     * @param logs where gdb's commands go
     */
    Debugger(KernelImage kernel, Path logs, PrintWriter out) {
        this.kernel = kernel;
        this.commands = logs.resolve("attach.gdb");
        this.out = out;
    }

    /** Has it attach, or says how. From then on the guest stands still until gdb lets it go on. */
    void attach(Guest guest) {
        try {
            Files.writeString(commands, commands(guest.awaitGdb()));
        } catch (IOException e) {
            throw Disk.failure("cannot write gdb's commands", commands, e);
        }
        if (!Files.exists(kernel.directory().resolve("vmlinux-gdb.py"))) {
            out.println("gdb: functions only; --kernel gdb has lines, types and variables");
        }
        String gdb = "gdb -q -x " + ShellScript.quote(commands.toString());
        if (!Pane.possible()) {
            out.println("gdb: to attach it, in another terminal: " + gdb);
        } else {
            out.println("gdb: in the other pane; the guest goes on when it is told to continue");
            out.flush();
            pane = Optional.of(Pane.open(gdb, "-h"));
        }
        out.flush();
    }

    private String commands(Path socket) {
        return String.join(
                "\n",
                List.of(
                        "# Attaches to a guest that is there as long as its shell.",
                        "add-auto-load-safe-path " + kernel.directory(),
                        "file " + kernel.vmlinux(),
                        "target remote " + socket,
                        ""));
    }

    @Override
    public void close() {
        pane.ifPresent(Pane::close);
    }
}
