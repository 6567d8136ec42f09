// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.qemu.PciDevice;
import dmabuflab.witness.MalformedTableException;
import dmabuflab.witness.Mapping;
import dmabuflab.witness.PhysicalMemory;
import dmabuflab.witness.VirtualMachine;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What a guest's hardware was at a moment, for a person to look at.
 *
 * @param sections in a fixed order, with fixed titles
 * @param trace the last that QEMU has traced, oldest first
 */
public record HardwareState(List<Section> sections, List<Traced> trace) {
    /** Where it is kept of a scenario that was red, in the scenario's directory. */
    static final String FILE = "hardware.txt";

    /** All of it but the trace, to be read later. */
    List<String> lines() {
        return sections.stream().flatMap(HardwareState::lines).toList();
    }

    private static Stream<String> lines(Section section) {
        if (!section.obstacle().isEmpty()) {
            return Stream.of(section.title(), "    unreadable: " + section.obstacle());
        }
        Stream<String> lines =
                section.lines().isEmpty()
                        ? Stream.of("nothing")
                        : section.lines().values().stream();
        return Stream.concat(Stream.of(section.title()), lines.map(line -> "    " + line));
    }

    /** A line of the trace, and when that was, if it says so. */
    public record Traced(Optional<Instant> at, String text) {}

    /**
     * A part of it.
     *
     * @param lines by what they are about: two states are compared by these keys, and shown in
     *     their order
     * @param obstacle why it could not be read at that moment, "" if it could
     */
    public record Section(String title, SortedMap<String, String> lines, String obstacle) {
        private static final long KIB = 1 << 10;
        private static final long MIB = 1 << 20;
        private static final long GIB = 1 << 30;

        /** One that was read. */
        public static Section of(String title, SortedMap<String, String> lines) {
            return new Section(title, lines, "");
        }

        /** One that could not be read. */
        public static Section unreadable(String title, String why) {
            return new Section(title, new TreeMap<>(), why.lines().findFirst().orElse("unknown"));
        }

        /** The BARs that QEMU decodes. */
        public static Section bars(String title, PciDevice device) {
            SortedMap<String, String> lines = new TreeMap<>();
            device.bars()
                    .forEach(
                            (index, bar) ->
                                    lines.put(
                                            "%d".formatted(index),
                                            "BAR %d  %s, %s"
                                                    .formatted(
                                                            index,
                                                            range(bar.start(), bar.size()),
                                                            size(bar.size()))));
            return of(title, lines);
        }

        /** What a device reaches. */
        public static Section reach(String title, OptionalInt domain, List<Mapping> mappings) {
            SortedMap<String, String> lines = new TreeMap<>();
            lines.put(
                    "",
                    domain.isPresent() ? "domain " + domain.getAsInt() : "no domain: all blocked");
            for (Mapping each : mappings) {
                lines.put("%016x".formatted(each.iova()), line(each));
            }
            return of(title, lines);
        }

        /** Lines for a virtual machine and what it reaches, to be part of a section. */
        static SortedMap<String, String> reached(VirtualMachine machine, PhysicalMemory memory) {
            SortedMap<String, String> lines = new TreeMap<>();
            String name = "%016x".formatted(machine.address());
            lines.put(
                    name,
                    "kvm 0x%x, vCPUs: %d".formatted(machine.address(), machine.vmcbs().size()));
            try {
                for (Mapping each : machine.reaches(memory)) {
                    String where =
                            "%016x %016x %x"
                                    .formatted(each.iova(), each.physical(), each.pageSize());
                    lines.put(name + " " + where, "  " + line(each));
                }
            } catch (MalformedTableException e) {
                lines.put(name + " unreadable", "  unreadable now: " + e.getMessage());
            }
            return lines;
        }

        private static String line(Mapping mapping) {
            String rights = (mapping.read() ? "r" : "-") + (mapping.write() ? "w" : "-");
            return mapping.pageSize() == 0
                    ? "everything, untranslated  " + rights
                    : "%s -> %s  %s, pages of %s"
                            .formatted(
                                    range(mapping.iova(), mapping.length()),
                                    range(mapping.physical(), mapping.length()),
                                    rights,
                                    size(mapping.pageSize()));
        }

        private static String range(long start, long length) {
            return "0x%x-0x%x".formatted(start, start + length - 1);
        }

        private static String size(long bytes) {
            if (bytes % GIB == 0) {
                return bytes / GIB + "G";
            } else if (bytes % MIB == 0) {
                return bytes / MIB + "M";
            }
            return bytes % KIB == 0 ? bytes / KIB + "K" : bytes + " bytes";
        }
    }
}
