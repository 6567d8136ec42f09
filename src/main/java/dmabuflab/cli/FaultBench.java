// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.guest.Agent;
import dmabuflab.guest.BarMapping;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Exit;
import dmabuflab.guest.Guest;
import dmabuflab.guest.Memslot;
import dmabuflab.guest.PluggedDevice;
import dmabuflab.guest.Vcpu;
import dmabuflab.guest.VfioDevice;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.Vm;
import dmabuflab.host.InfrastructureException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Measures faults of a virtual machine inside a guest on the memory of a device: by a slot over a
 * dma-buf against the classic slot over a mapping of the same pages.
 *
 * <p>A vCPU reads a word of each page without leaving the machine. That KVM was asked for exactly
 * these pages, and mapped each by one page of the size in question, is counted by KVM itself.
 */
final class FaultBench {
    private static final String DEVICE = "ivshmem:256M";

    /** The one of ivshmem that is its memory. */
    private static final int BAR = 2;

    /** A multiple of 1 GiB, so that offsets into the BAR and GPAs are aligned alike. */
    private static final long GPA = 5L << 30;

    /** In the first MiB is the vCPU's program. */
    private static final long PROGRAM = 0;

    private static final String STATISTICS = "/sys/kernel/debug/kvm/";
    private static final String FAULTS = "pf_fixed";
    private static final List<String> COUNTERS =
            List.of(FAULTS, "pages_4k", "pages_2m", "pages_1g");

    /** Pages to fault on: part of the BAR, and what KVM calls their size. */
    private record Pages(String name, Range part, long size, String counter) {
        long count() {
            return part.length() / size;
        }
    }

    /** All of 2 MiB but one page: no page table can have a larger page in it. */
    private static final Pages SMALL =
            new Pages("4 KiB", new Range(4 << 10, (2 << 20) - (4 << 10)), 4 << 10, "pages_4k");

    private static final Pages HUGE =
            new Pages("2 MiB", new Range(0, 256 << 20), 2 << 20, "pages_2m");

    private final Agent agent;
    private final VfioDevice device;
    private final DmaBuf buffer;
    private final Vm vm;
    private final Vcpu vcpu;

    private FaultBench(Agent agent, VfioDevice device) {
        this.agent = agent;
        this.device = device;
        buffer = device.export(BAR, List.of(HUGE.part()), "buffer");
        vm = Vm.create(agent, "vm");
        vcpu = vm.vcpu("vcpu");
    }

    /** Measures that often in a guest, whose only virtual machine is ours. */
    static List<FaultSamples> run(Guest guest, Path devices, int rounds) {
        PluggedDevice plugged = guest.plug(devices, DEVICE);
        FaultBench bench =
                new FaultBench(
                        guest.agent(), VfioDevice.open(guest.agent(), plugged.bdf(), "device"));
        return List.of(bench.measure(SMALL, rounds), bench.measure(HUGE, rounds));
    }

    private FaultSamples measure(Pages pages, int rounds) {
        // Not counted: the host, too, has to find the pages behind the BAR.
        round(pages, new FaultSamples(pages.name()));
        FaultSamples samples = new FaultSamples(pages.name());
        for (int round = 0; round < rounds; round++) {
            round(pages, samples);
        }
        return samples;
    }

    private void round(Pages pages, FaultSamples samples) {
        Memslot slot = Memslot.at(1, GPA + pages.part().offset(), pages.part().length());
        double dmabuf = microseconds(pages, slot.of(buffer, pages.part().offset()));
        BarMapping mapping = device.map(BAR, pages.part(), "mapping");
        double fresh = microseconds(pages, slot.over(mapping, 0));
        double touched = microseconds(pages, slot.over(mapping, 0));
        mapping.close();
        samples.add(dmabuf, fresh, touched);
    }

    /**
     * Of one fault, when each page of a new slot is read once; what reading takes does not count.
     */
    private double microseconds(Pages pages, Memslot slot) {
        vm.set(slot);
        // Deleting a slot unmaps all of the machine: its program is not to fault in the sweep.
        read(PROGRAM, pages.count(), Long.BYTES);
        Map<String, Long> none = statistics();
        long faulting = read(slot.gpa(), pages.count(), pages.size());
        Map<String, Long> all = statistics();
        long mapped = read(slot.gpa(), pages.count(), pages.size());
        require(slot, all, none, pages.counter(), pages.count());
        require(slot, statistics(), all, pages.counter(), 0);
        vm.delete(slot);
        return (faulting - mapped) / 1e3 / pages.count();
    }

    /** Nanoseconds that a sweep took. */
    private long read(long gpa, long count, long stride) {
        Exit exit = vcpu.tryReads(gpa, count, stride);
        if (!exit.complete() || exit.done() != count) {
            throw wrong(count + " reads from 0x" + Long.toHexString(gpa) + " ended in " + exit);
        }
        return exit.nanoseconds();
    }

    /** Each of so many faults has mapped a page of this size, and nothing else happened. */
    private static void require(
            Memslot slot,
            Map<String, Long> after,
            Map<String, Long> before,
            String size,
            long faults) {
        after.forEach(
                (name, value) -> {
                    long expected = name.equals(FAULTS) || name.equals(size) ? faults : 0;
                    if (value - before.get(name) != expected) {
                        throw wrong(
                                "%s rose by %d, not by %d, when %s was read"
                                        .formatted(name, value - before.get(name), expected, slot));
                    }
                });
    }

    /** Sums over all virtual machines: there is one. */
    private Map<String, Long> statistics() {
        return COUNTERS.stream().collect(Collectors.toMap(name -> name, this::statistic));
    }

    private long statistic(String name) {
        String text = agent.call("file.read", Map.of("path", STATISTICS + name)).text("text");
        return Long.parseLong(text.strip());
    }

    private static InfrastructureException wrong(String why) {
        return new InfrastructureException(
                "the bench would not measure faults on pages of one size",
                why,
                "does `./lab run KvmHugePages KvmClassic` pass?");
    }
}
