// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.GuestProcess;
import dmabuflab.guest.Job;
import dmabuflab.guest.NetInterface;
import dmabuflab.guest.Program;
import dmabuflab.guest.Program.Ended;
import dmabuflab.guest.RdmaLink;
import dmabuflab.host.Command;
import dmabuflab.host.InfrastructureException;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Each;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.io.IOException;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.DisplayName;

/**
 * Programs of others that use RDMA between two hosts, with memory of their own. Nothing is
 * different for them.
 */
@Catalogue
class RdmaForeign {
    private static final int MESSAGES = 200;
    private static final int PORT = 18515;

    /** That packets are repeated after a second only: a busy host is not a lossy network. */
    private static final int TIMEOUT = 18;

    /** The server waits there, in state 0A. */
    private static final String LISTENING = ":%04X 00000000:0000 0A".formatted(PORT);

    private static final Path PROVIDERS = Path.of("/usr/lib/x86_64-linux-gnu/libibverbs");

    /** What arrives in memory of processes, in 0, and what is taken from there. */
    private static final List<String> PROBES =
            List.of(
                    "p:dmabuflab/copied rxe_mr_copy length=%cx:u32 direction=%r8:u32",
                    "p:dmabuflab/atomic rxe_mr_do_atomic_op");

    /** Of Debian's perftest; messages are no multiple of what a packet has. */
    enum Perftest {
        WRITE(5000),
        READ(5000),
        SEND(5000),
        ATOMIC(8);

        private final int bytes;

        Perftest(int bytes) {
            this.bytes = bytes;
        }

        @Override
        public String toString() {
            return "ib_" + name().toLowerCase(Locale.ROOT) + "_bw";
        }
    }

    /** Once for each program. */
    @Retention(RetentionPolicy.RUNTIME)
    @Each
    @interface EachPerftest {
        Perftest[] value() default {};
    }

    @EachPerftest
    @DisplayName("perftest moves all it was asked to between two hosts, and ends well")
    @Proves("RD1")
    void perftest(Testbed bed, Perftest perftest) {
        GuestProcess peer = GuestProcess.startApart(bed.agent(), "peer");
        List<NetInterface> cable = NetInterface.veth(bed.agent(), "here", "there");
        NetInterface there = cable.get(1).moveTo(peer);
        cable.get(0).address("10.0.0.1/24");
        there.address("10.0.0.2/24");
        RdmaLink.create(bed.agent(), "rxe0", cable.get(0));
        RdmaLink.create(peer.agent(), "rxe1", there);
        Program program =
                Program.sendWithLibraries(bed.agent(), installed(perftest.toString()), provider());
        bed.trace().add(List.of(), PROBES);
        Duration limit = bed.guest().scale().silence().multipliedBy(4);

        Job server = program.start(arguments(perftest, "rxe0"), limit);
        bed.await("the server waits for its client", () -> listens(bed));
        Ended client = program.in(peer).run(arguments(perftest, "rxe1", "10.0.0.1"), limit);

        assertThat(client.status()).as("%s", client).hasValue(0);
        assertThat(client.output())
                .containsPattern("(?m)^ *" + perftest.bytes + " +" + MESSAGES + " ");
        Ended served = program.ended(bed.complete(server));
        assertThat(served.status()).as("%s", served).hasValue(0);
        if (perftest == Perftest.ATOMIC) {
            assertThat(bed.events(" atomic:")).hasSize(MESSAGES);
        }
        long arrived =
                bed.events(" copied:").stream()
                        .filter(line -> line.endsWith("direction=0"))
                        .mapToLong(
                                line -> Long.parseLong(line.replaceAll(".*length=(\\d+).*", "$1")))
                        .sum();
        assertThat(arrived).as("bytes that arrived").isEqualTo((long) MESSAGES * perftest.bytes);
    }

    private static List<String> arguments(Perftest perftest, String device, String... server) {
        List<String> arguments =
                new ArrayList<>(List.of("-d", device, "-p", "" + PORT, "-u", "" + TIMEOUT, "-F"));
        arguments.addAll(List.of("-n", "" + MESSAGES));
        if (perftest != Perftest.ATOMIC) {
            arguments.addAll(List.of("-s", "" + perftest.bytes));
        }
        arguments.addAll(List.of(server));
        return arguments;
    }

    private static boolean listens(Testbed bed) {
        Map<String, ?> sockets = Map.of("path", "/proc/net/tcp");
        return bed.agent().call("file.read", sockets).text("text").contains(LISTENING);
    }

    private static Path installed(String program) {
        return Command.find(program)
                .orElseThrow(
                        () ->
                                new InfrastructureException(
                                        program + " is missing",
                                        "no directory of PATH has it",
                                        "install perftest"));
    }

    /** rxe's part of libibverbs, with the number of their interface in its name. */
    private static Path provider() {
        try (DirectoryStream<Path> found =
                Files.newDirectoryStream(PROVIDERS, "librxe-rdmav*.so")) {
            return found.iterator().next();
        } catch (IOException | NoSuchElementException e) {
            throw new InfrastructureException(
                    "rxe's provider of libibverbs is missing",
                    e.toString(),
                    "install ibverbs-providers",
                    e);
        }
    }
}
