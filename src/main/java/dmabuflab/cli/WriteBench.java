// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.guest.Agent;
import dmabuflab.guest.BarMapping;
import dmabuflab.guest.Completion.Status;
import dmabuflab.guest.Hammer;
import dmabuflab.guest.MemoryRegion;
import dmabuflab.guest.QueuePair;
import dmabuflab.guest.RdmaEndpoint;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.OptionalDouble;

/** Measures how fast a peer writes to regions, all over them, and that what it wrote is there. */
final class WriteBench {
    private static final long KIB = 1 << 10;
    private static final long MIB = 1 << 20;

    private final Agent agent;
    private final MemoryRegion local;
    private final QueuePair from;

    WriteBench(Agent agent, RdmaEndpoint client, RdmaEndpoint server) {
        this.agent = agent;
        local = client.register("local", 2 * MIB);
        from = client.queuePair("from");
        QueuePair.connect(from, server.queuePair("to"));
    }

    /**
     * @param memory what is behind both regions, as the guest's CPU has it
     */
    void measure(
            RegistrationSamples samples,
            BarMapping memory,
            int rounds,
            MemoryRegion pfn,
            Optional<MemoryRegion> scatterlist) {
        // Not counted: the first ones, which also show that the regions begin and end where they
        // should.
        reach(pfn, memory);
        scatterlist.ifPresent(region -> reach(region, memory));
        for (int i = 0; i < rounds; i++) {
            samples.addRate(
                    "64 B writes",
                    "1/s",
                    small(pfn, memory),
                    with(scatterlist, r -> small(r, memory)));
            samples.addRate(
                    "1 MiB writes",
                    "MiB/s",
                    large(pfn, memory),
                    with(scatterlist, r -> large(r, memory)));
        }
    }

    private interface Rate {
        double of(MemoryRegion region);
    }

    private static OptionalDouble with(Optional<MemoryRegion> region, Rate rate) {
        return region.stream().mapToDouble(rate::of).findFirst();
    }

    private void reach(MemoryRegion region, BarMapping memory) {
        write(region, memory, Long.BYTES, 2, 1, region.length() - Long.BYTES);
    }

    private double small(MemoryRegion region, BarMapping memory) {
        int count = 2000;
        long stride = region.length() / count & -KIB;
        return count / write(region, memory, 64, count, 8, stride);
    }

    private double large(MemoryRegion region, BarMapping memory) {
        int count = 8;
        return count / write(region, memory, MIB, count, 2, region.length() / count);
    }

    /** Seconds until so many writes, each with its own place and number, have completed. */
    private double write(
            MemoryRegion region,
            BarMapping memory,
            long length,
            int count,
            int depth,
            long stride) {
        long last = (count - 1) * stride + length - Long.BYTES;
        memory.write(0, word(0));
        memory.write(last, word(0));
        Hammer hammer =
                Hammer.write(local)
                        .remote(region, 0)
                        .length(length)
                        .places(count, stride)
                        .depth(depth)
                        .count(count);

        Hammer.Result result = new Hammer.Result(agent.call("rdma.hammer", hammer.arguments(from)));

        if (result.status() != Status.SUCCESS || result.acknowledged() != count) {
            throw RegistrationBench.wrong("writes ended in " + result.answer().json());
        }
        require(memory, 0, 1);
        require(memory, last, count);
        return result.nanoseconds() / 1e9;
    }

    private static void require(BarMapping memory, long offset, long number) {
        ByteBuffer found = ByteBuffer.wrap(memory.read(offset, Long.BYTES));
        if (!found.equals(ByteBuffer.wrap(word(number)))) {
            throw RegistrationBench.wrong(
                    "write %d did not arrive at 0x%x, where %s is"
                            .formatted(number, offset, found));
        }
    }

    private static byte[] word(long value) {
        return ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
    }
}
