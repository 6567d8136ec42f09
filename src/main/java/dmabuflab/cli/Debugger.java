// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.guest.Guest;
import dmabuflab.host.Disk;
import dmabuflab.qemu.ShellScript;
import dmabuflab.scenario.Lab;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A gdb for a guest: in a pane of its own if the terminal is one of tmux, otherwise a line to type
 * elsewhere. The pane is closed with this.
 */
final class Debugger implements AutoCloseable {
    private final Lab lab;
    private final Path logs;
    private final PrintWriter out;
    private Optional<Pane> pane = Optional.empty();

    /**
     * @param logs where gdb's commands go, and what it shows
     */
    Debugger(Lab lab, Path logs, PrintWriter out) {
        this.lab = lab;
        this.logs = logs;
        this.out = out;
    }

    /** Has it attach, or says how. From then on the guest stands still until gdb lets it go on. */
    void attach(Guest guest) {
        Path commands = logs.resolve("attach.gdb");
        try {
            Files.writeString(commands, commands(guest.awaitGdb()));
        } catch (IOException e) {
            throw Disk.failure("cannot write gdb's commands", commands, e);
        }
        if (!lab.kernel().hasGdbScripts()) {
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

    private String commands(Path socket) throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add("# Attaches to a guest that is there as long as its shell.");
        lines.add("add-auto-load-safe-path " + lab.kernel().directory());
        if (lab.kernel().hasGdbScripts()) {
            Path source = Files.createDirectory(logs.resolve("source"));
            Map<Path, Path> copies = lab.copyChangedSources(source);
            if (copies.isEmpty()) {
                out.println("gdb: shows the source as the last build has left it");
            }
            copies.forEach((from, to) -> lines.add("set substitute-path " + from + " " + to));
        }
        lines.add("file " + lab.kernel().vmlinux());
        lines.add("target remote " + socket);
        lines.add("");
        return String.join("\n", lines);
    }

    @Override
    public void close() {
        pane.ifPresent(Pane::close);
    }
}
