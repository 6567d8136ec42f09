// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A shell inside a guest, for a person at a terminal or for a script. */
public final class GuestShell {
    /** Ends a session from outside, even when the guest does not listen: Ctrl-]. */
    private static final byte ESCAPE = 0x1d;

    /** A person decides how long a guest may be silent. */
    private static final Duration FOR_EVER = Duration.ofDays(3650);

    /** What a kernel says when it panics is about that long. */
    private static final int LAST_LINES = 40;

    private static final String SHELL = "/bin/bash";
    private static final String TERMINFO = "/tmp/terminfo";
    private static final String SCRIPT = "/tmp/script";

    private final Guest guest;
    private final List<String> environment =
            new ArrayList<>(List.of("PATH=/bin", "HOME=/", "LANG=C.UTF-8"));
    private int ports;

    /** Ports whose program has ended. */
    private final List<String> used = new ArrayList<>();

    /** Of the session that goes on, if there is one. */
    private Optional<SocketChannel> keysTo = Optional.empty();

    private Optional<SocketChannel> sizesTo = Optional.empty();
    private boolean typing;
    private volatile boolean left;
    private volatile UncheckedIOException deaf;

    /** Prepares a guest for people and their terminal; its clock had stopped when it was saved. */
    public GuestShell(Guest guest) {
        this.guest = guest;
        environment.add("TERM=" + Terminal.kind());
        for (String name : List.of("COLORTERM", "NO_COLOR")) {
            if (System.getenv(name) != null) {
                environment.add(name + "=" + System.getenv(name));
            }
        }
        String clock = "date -s @" + Instant.now().getEpochSecond();
        Optional<Path> description = Terminal.description();
        if (description.isPresent()) {
            Path file = description.get();
            String directory = TERMINFO + "/" + file.getParent().getFileName();
            prepare(clock + "; mkdir -p " + directory);
            copyTo(directory, file);
            environment.add("TERMINFO=" + TERMINFO);
        } else {
            prepare(clock);
        }
    }

    /** Whose shell it is. */
    public Guest guest() {
        return guest;
    }

    /** Without ports, which take their time. */
    private void prepare(String line) {
        Answer answer =
                agent().call(
                                "program.run",
                                Map.of(
                                        "path",
                                        "/bin/sh",
                                        "args",
                                        List.of("-ec", line),
                                        "env",
                                        environment));
        if (status(answer) != 0) {
            throw new InfrastructureException(
                    "cannot prepare the guest for a shell",
                    "exit status " + status(answer) + " of " + line,
                    "see agent.log");
        }
    }

    private void copyTo(String directory, Path file) {
        try {
            Program.put(agent(), directory + "/" + file.getFileName(), Files.readAllBytes(file));
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot read " + file, e.toString(), "try TERM=dumb ./lab shell", e);
        }
    }

    /**
     * Connects a terminal, which has to be raw, with a shell of its own until that ends.
     *
     * @return the shell's exit status, empty when the person has left it with Ctrl-]
     */
    public Optional<Integer> interact(Terminal.Size size, InputStream keys, OutputStream screen) {
        Duration silence = agent().silence();
        agent().allowSilence(FOR_EVER);
        String terminal = name("terminal");
        SocketChannel port = port(terminal);
        String sizesName = name("sizes");
        goesOn(Optional.of(port), Optional.of(port(sizesName)));
        startTyping(keys);
        Listener listener = new Listener(port, screen);
        try {
            Answer answer =
                    attach(
                            List.of("--rcfile", "/etc/bashrc", "-i"),
                            Map.of(
                                    "terminal",
                                    terminal,
                                    "sizes",
                                    sizesName,
                                    "rows",
                                    size.rows(),
                                    "columns",
                                    size.columns()));
            listener.await(answer.number("output_bytes"));
            goesOn(Optional.empty(), Optional.empty());
            used.addAll(List.of(terminal, sizesName));
            agent().allowSilence(silence);
            return Optional.of(status(answer));
        } catch (InfrastructureException e) {
            if (left) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private synchronized void goesOn(Optional<SocketChannel> keys, Optional<SocketChannel> sizes) {
        keysTo = keys;
        sizesTo = sizes;
    }

    /** One thread for all sessions: what it waits for is never known to be for another one. */
    private void startTyping(InputStream keys) {
        if (!typing) {
            typing = true;
            Thread thread = new Thread(() -> type(keys), "typing");
            thread.setDaemon(true);
            thread.start();
        }
    }

    /** Tells the guest that the terminal has another size now. */
    public synchronized void resize(Terminal.Size size) {
        String line = size.rows() + " " + size.columns() + "\n";
        try {
            if (sizesTo.isPresent()) {
                write(sizesTo.get(), line.getBytes(StandardCharsets.US_ASCII));
            }
        } catch (IOException e) {
            if (!guest.hasEnded()) {
                throw new InfrastructureException(
                        "cannot tell the guest how large the terminal is",
                        e.toString(),
                        "stty rows N cols M in the guest does it, too",
                        e);
            }
        }
    }

    /**
     * Runs a script whose standard input is empty.
     *
     * @return its exit status
     * @throws UncheckedIOException when an output cannot be written; the guest has ended then
     */
    public int run(byte[] script, OutputStream out, OutputStream errors) {
        Program.put(agent(), SCRIPT, script);
        return attach(List.of(SCRIPT), out, errors);
    }

    /**
     * Runs a line of the house's own.
     *
     * @throws InfrastructureException unless it ends with 0, with what it printed
     */
    void check(String line, OutputStream out) {
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        int status = attach(List.of("-o", "pipefail", "-ec", line), out, errors);
        if (status != 0) {
            throw new InfrastructureException(
                    "the guest cannot do `" + line + "`",
                    errors.toString(StandardCharsets.UTF_8).strip(),
                    "exit status " + status);
        }
    }

    void check(String line) {
        check(line, OutputStream.nullOutputStream());
    }

    Agent agent() {
        return guest.agent();
    }

    private int attach(List<String> arguments, OutputStream out, OutputStream errors) {
        String outName = name("output");
        Listener outListener = new Listener(port(outName), out);
        String errorsName = name("errors");
        Listener errorsListener = new Listener(port(errorsName), errors);
        Answer answer = attach(arguments, Map.of("output", outName, "errors", errorsName));
        outListener.await(answer.number("output_bytes"));
        errorsListener.await(answer.number("error_bytes"));
        used.addAll(List.of(outName, errorsName));
        return status(answer);
    }

    private Answer attach(List<String> arguments, Map<String, ?> ports) {
        Map<String, Object> request = new HashMap<>(ports);
        request.putAll(Map.of("path", SHELL, "args", arguments, "env", environment));
        try {
            return agent().call("program.attach", request);
        } catch (InfrastructureException e) {
            if (deaf != null) {
                throw deaf;
            }
            throw new InfrastructureException(
                    "the guest has ended before its shell",
                    "its console ends with\n" + guest.lastLines(LAST_LINES),
                    "it was switched off, or its kernel has panicked",
                    e);
        }
    }

    private static int status(Answer answer) {
        return (int)
                (answer.json().has("status")
                        ? answer.number("status")
                        : 128 + answer.number("signal_number"));
    }

    /** A port belongs to one program. */
    private String name(String purpose) {
        return "dmabuflab." + purpose + ports++;
    }

    /** A guest has some thirty at a time; most shells are the only one, and never need more. */
    private SocketChannel port(String name) {
        used.forEach(guest::removePort);
        used.clear();
        return guest.addPort(name);
    }

    private void type(InputStream keys) {
        byte[] bytes = new byte[4096];
        try {
            while (!left) {
                int count = keys.read(bytes);
                int end = 0;
                while (end < count && bytes[end] != ESCAPE) {
                    end++;
                }
                type(ByteBuffer.wrap(bytes, 0, end));
                left = end != count;
            }
        } catch (IOException e) {
            // Of the two, the terminal or the guest, one is gone: the session is over.
            left = !guest.hasEnded();
        }
        if (left) {
            guest.kill();
        }
    }

    /** What is typed between two sessions is for nobody. */
    private synchronized void type(ByteBuffer keys) throws IOException {
        if (keysTo.isPresent()) {
            write(keysTo.get(), keys);
        }
    }

    private static void write(SocketChannel port, byte[] bytes) throws IOException {
        write(port, ByteBuffer.wrap(bytes));
    }

    private static void write(SocketChannel port, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            port.write(bytes);
        }
    }

    /** Copies what comes from a port, in a thread of its own. */
    private final class Listener {
        private final SocketChannel port;
        private final OutputStream to;
        private long heard;
        private boolean over;
        private IOException failure;

        Listener(SocketChannel port, OutputStream to) {
            this.port = port;
            this.to = to;
            Thread thread = new Thread(this::listen, "listening");
            thread.setDaemon(true);
            thread.start();
        }

        private void listen() {
            ByteBuffer buffer = ByteBuffer.allocate(65536);
            try {
                while (port.read(buffer.clear()) >= 0) {
                    write(buffer.array(), buffer.position());
                    heard(buffer.position());
                }
                end(null);
            } catch (IOException e) {
                end(e);
            }
        }

        private void write(byte[] bytes, int count) {
            try {
                to.write(bytes, 0, count);
                to.flush();
            } catch (IOException e) {
                // The program would go on for nobody.
                deaf = new UncheckedIOException("cannot write what the guest says", e);
                guest.kill();
            }
        }

        private synchronized void heard(int count) {
            heard += count;
            notifyAll();
        }

        private synchronized void end(IOException reason) {
            failure = reason;
            over = true;
            notifyAll();
        }

        /** Waits until as much has been copied as was sent. */
        synchronized void await(long sent) {
            try {
                while (heard < sent && !over) {
                    wait();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            if (heard < sent) {
                throw new InfrastructureException(
                        "lost what the guest has said",
                        failure == null ? "QEMU has ended" : failure.toString(),
                        "see qemu.log next to the console log",
                        failure);
            }
        }
    }
}
