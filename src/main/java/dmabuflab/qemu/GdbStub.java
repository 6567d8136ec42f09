// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * A client of QEMU's gdbstub, in gdb's remote serial protocol: breakpoints, and CPUs that run while
 * others stand still. The guest stands still from when it is made until the first {@link #resume}.
 *
 * <p>CPUs are counted from 1, as the stub does. Not thread-safe.
 */
public final class GdbStub implements AutoCloseable {
    private static final int BUFFER = 4096;
    private static final int HEXADECIMAL = 16;

    /** In hexadecimal digits. */
    private static final int REGISTER = 16;

    private static final int MODULUS = 256;

    private final SocketChannel socket;
    private final Selector selector;
    private final Duration limit;
    private final Consumer<String> transcript;
    private final ByteBuffer received = ByteBuffer.allocate(BUFFER).flip();

    /** Registers that the stub tells of first, in its order, eight bytes each. */
    public enum Register {
        RAX(0),
        RSP(7),
        RIP(16);

        private final int number;

        Register(int number) {
            this.number = number;
        }
    }

    /**
     * @param socket QEMU's end of it has just become its gdbstub
     * @param limit how long QEMU may take for one answer
     * @param transcript is told every packet
     */
    public GdbStub(SocketChannel socket, Duration limit, Consumer<String> transcript) {
        this.socket = socket;
        this.limit = limit;
        this.transcript = transcript;
        try {
            selector = Selector.open();
            socket.configureBlocking(false);
            socket.register(selector, SelectionKey.OP_READ);
        } catch (IOException e) {
            throw gone(e);
        }
        // Without this the stub does not say which CPU has stopped.
        ask("qSupported:vContSupported+");
    }

    /** Stops any CPU that is about to execute the instruction at an address. */
    public void insert(long address) {
        require("Z0," + Long.toHexString(address) + ",1");
    }

    public void remove(long address) {
        require("z0," + Long.toHexString(address) + ",1");
    }

    /**
     * Lets these CPUs run, and no others; {@link #awaitStop} tells when one of them has stopped.
     */
    public void resume(Collection<Integer> cpus) {
        send(
                "vCont;"
                        + cpus.stream()
                                .map(cpu -> "c:" + Integer.toHexString(cpu))
                                .collect(Collectors.joining(";")));
    }

    /** Has one CPU execute one instruction, and none of the others. */
    public void step(int cpu) {
        send("vCont;s:" + Integer.toHexString(cpu));
        requireStop("a step");
    }

    /**
     * Waits until a CPU has stopped, and with it all others.
     *
     * @return which one; empty if they all run after the limit
     */
    public Optional<Integer> awaitStop(Duration within) {
        return receive(within)
                .map(
                        packet -> {
                            int thread = packet.indexOf("thread:");
                            if (packet.charAt(0) != 'T' || thread < 0) {
                                throw wrong("a CPU's stop", packet);
                            }
                            String cpu = packet.substring(thread + "thread:".length());
                            return Integer.parseInt(
                                    cpu.substring(0, cpu.indexOf(';')), HEXADECIMAL);
                        });
    }

    /** Stops all CPUs, which run. */
    public void interrupt() {
        try {
            socket.write(ByteBuffer.wrap(new byte[] {0x03}));
        } catch (IOException e) {
            throw gone(e);
        }
        requireStop("an interrupt");
    }

    private void requireStop(String after) {
        if (awaitStop(limit).isEmpty()) {
            throw silent(after);
        }
    }

    /** How many CPUs there are. */
    public int cpus() {
        int count = 0;
        for (String list = ask("qfThreadInfo"); !list.equals("l"); list = ask("qsThreadInfo")) {
            count += list.substring(1).split(",").length;
        }
        return count;
    }

    public long register(int cpu, Register register) {
        require("Hg" + Integer.toHexString(cpu));
        String all = ask("g");
        int begin = register.number * REGISTER;
        return number(all.substring(begin, begin + REGISTER));
    }

    /** Eight bytes of memory, as a CPU sees it by its page tables. */
    public long memory(int cpu, long address) {
        require("Hg" + Integer.toHexString(cpu));
        return number(ask("m" + Long.toHexString(address) + ",8"));
    }

    /** Lets all CPUs run, as if nobody had been there. Breakpoints have to be removed before. */
    public void detach() {
        require("D");
    }

    @Override
    public void close() {
        try (selector) {
            socket.close();
        } catch (IOException e) {
            throw gone(e);
        }
    }

    /** A number in the byte order of x86. */
    private static long number(String hexadecimal) {
        if (hexadecimal.length() != 2 * Long.BYTES) {
            throw wrong("eight bytes", hexadecimal);
        }
        return Long.reverseBytes(Long.parseUnsignedLong(hexadecimal, HEXADECIMAL));
    }

    private void require(String request) {
        String answer = ask(request);
        if (!answer.equals("OK")) {
            throw wrong(request, answer);
        }
    }

    private String ask(String request) {
        send(request);
        return receive(limit).orElseThrow(() -> silent(request));
    }

    private void send(String packet) {
        transcript.accept("> " + packet);
        int sum = 0;
        for (byte each : packet.getBytes(StandardCharsets.US_ASCII)) {
            sum += each;
        }
        write("$" + packet + "#" + String.format("%02x", sum % MODULUS));
    }

    private void write(String text) {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
        try {
            while (bytes.hasRemaining()) {
                socket.write(bytes);
            }
        } catch (IOException e) {
            throw gone(e);
        }
    }

    /** The next packet without its frame. What QEMU sends over a socket arrives: no sum is off. */
    private Optional<String> receive(Duration within) {
        long end = System.nanoTime() + within.toNanos();
        StringBuilder packet = new StringBuilder();
        boolean inside = false;
        while (true) {
            Optional<Character> next = next(end);
            if (next.isEmpty()) {
                if (inside) {
                    throw silent("the rest of " + packet);
                }
                return Optional.empty();
            }
            char character = next.get();
            if (!inside) {
                inside = character == '$'; // all else acknowledges what was sent
                if (inside) {
                    end = System.nanoTime() + limit.toNanos(); // the rest will come
                }
            } else if (character == '#') {
                next(end);
                next(end);
                write("+");
                transcript.accept("< " + packet);
                return Optional.of(packet.toString());
            } else {
                packet.append(character);
            }
        }
    }

    private Optional<Character> next(long end) {
        try {
            while (!received.hasRemaining()) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0 || selector.select(left) == 0) {
                    return Optional.empty();
                }
                selector.selectedKeys().clear();
                received.clear();
                int count = socket.read(received);
                received.flip();
                if (count < 0) {
                    throw new IOException("end of its gdbstub's stream");
                }
            }
        } catch (IOException e) {
            throw gone(e);
        }
        return Optional.of((char) received.get());
    }

    private static InfrastructureException gone(IOException e) {
        return new InfrastructureException(
                "lost QEMU's gdbstub", e.toString(), "see qemu.log next to the console log", e);
    }

    private static InfrastructureException silent(String request) {
        return new InfrastructureException(
                "QEMU's gdbstub does not answer",
                "nothing for " + request,
                "on a slow or loaded machine raise --timeout-scale");
    }

    private static InfrastructureException wrong(String what, String answer) {
        return new InfrastructureException(
                "QEMU's gdbstub answers something else",
                what + ": " + (answer.isEmpty() ? "not supported" : answer),
                "is this an emulated x86-64 guest?");
    }
}
