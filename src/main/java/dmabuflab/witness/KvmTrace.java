// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads what the guest's ftrace recorded of KVM. */
public final class KvmTrace {
    /** The event that a system call returns. */
    public static final String RETURN = "raw_syscalls/sys_exit";

    /**
     * Which returns to record: of write, close, munmap, ioctl and pwrite64, by which user space has
     * memory unmapped. Not of read, which would record itself for ever when it reads the trace.
     */
    public static final String RETURNS_THAT_MATTER =
            "id == 1 || id == 3 || id == 11 || id == 16 || id == 18";

    /** Trace events to enable. */
    public static final List<String> EVENTS =
            List.of("kvmmmu:kvm_tdp_mmu_spte_changed", "raw_syscalls:sys_exit");

    /**
     * Probes to set. Each function is one that the compiler cannot have inlined: it is called
     * through a pointer, or from other files only. {@code kvm_flush_remote_tlbs} is not among them;
     * all it does is make a request.
     */
    public static final List<String> PROBES =
            List.of(
                    "p:dmabuflab/kvm_vm_created kvm_arch_init_vm kvm=%di:x64",
                    "p:dmabuflab/kvm_asked kvm_vm_ioctl_check_extension kvm=%di:x64 cap=%si:x64",
                    "p:dmabuflab/kvm_vcpu_created svm_vcpu_create kvm=+0(%di):x64 vcpu=%di:x64",
                    "p:dmabuflab/kvm_vcpu_freed svm_vcpu_free vcpu=%di:x64",
                    "p:dmabuflab/kvm_root svm_load_mmu_pgd vcpu=%di:x64 root=%si:x64 levels=%dx:u32",
                    "p:dmabuflab/kvm_unmap kvm_tdp_mmu_unmap_gfn_range"
                            + " kvm=%di:x64 start=+8(%si):x64 end=+16(%si):x64",
                    "p:dmabuflab/kvm_request kvm_make_all_cpus_request kvm=%di:x64 request=%si:x32");

    private static final Pattern LINE =
            Pattern.compile("\\s*.+-(\\d+)\\s+\\[\\d+] \\S+\\s+\\d+\\.\\d+: (\\w+): (.*)");
    private static final Pattern WRITTEN =
            Pattern.compile("# entries-in-buffer/entries-written: (\\d+)/(\\d+) .*");

    /** Number of a request, and the bit that says it is none: a kick only. */
    private static final long REQUEST = 0xff | (1 << 10);

    private static final long TLB_FLUSH = 0;

    /** Number 31 of those that x86 has for itself. */
    private static final long FREE_OBSOLETE_ROOTS = 8 + 31;

    private static final String HEX = "0x([0-9a-f]+)";
    private static final String PROBE = "\\(.*\\) ";

    private record Form(Pattern pattern, BiFunction<Integer, Matcher, KvmEvent> make) {
        Form(String pattern, BiFunction<Integer, Matcher, KvmEvent> make) {
            this(Pattern.compile(pattern), make);
        }
    }

    private static final Map<String, Form> FORMS =
            Map.of(
                    "kvm_vm_created",
                    new Form(
                            PROBE + "kvm=" + HEX,
                            (thread, m) -> new KvmEvent.VmCreated(thread, hex(m, 1))),
                    "kvm_asked",
                    new Form(
                            PROBE + "kvm=" + HEX + " cap=" + HEX,
                            (thread, m) ->
                                    new KvmEvent.CapabilityAsked(thread, hex(m, 1), hex(m, 2))),
                    "kvm_vcpu_created",
                    new Form(
                            PROBE + "kvm=" + HEX + " vcpu=" + HEX,
                            (thread, m) -> new KvmEvent.VcpuCreated(thread, hex(m, 1), hex(m, 2))),
                    "kvm_vcpu_freed",
                    new Form(
                            PROBE + "vcpu=" + HEX,
                            (thread, m) -> new KvmEvent.VcpuFreed(thread, hex(m, 1))),
                    "kvm_root",
                    new Form(
                            PROBE + "vcpu=" + HEX + " root=" + HEX + " levels=(\\d+)",
                            (thread, m) ->
                                    new KvmEvent.RootLoaded(
                                            thread,
                                            hex(m, 1),
                                            hex(m, 2),
                                            Integer.parseInt(m.group(3)))),
                    "kvm_unmap",
                    new Form(
                            PROBE + "kvm=" + HEX + " start=" + HEX + " end=" + HEX,
                            (thread, m) ->
                                    new KvmEvent.Unmap(
                                            thread,
                                            hex(m, 1),
                                            hex(m, 2) << 12,
                                            (hex(m, 3) - hex(m, 2)) << 12)),
                    "kvm_request",
                    new Form(
                            PROBE + "kvm=" + HEX + " request=" + HEX,
                            (thread, m) -> request(thread, hex(m, 1), hex(m, 2) & REQUEST)),
                    "kvm_tdp_mmu_spte_changed",
                    new Form(
                            "as id (\\d) gfn ([0-9a-f]+) level (\\d)"
                                    + " old_spte ([0-9a-f]+) new_spte ([0-9a-f]+)",
                            (thread, m) ->
                                    new KvmEvent.SpteChanged(
                                            thread,
                                            Integer.parseInt(m.group(1)),
                                            hex(m, 2) << 12,
                                            Integer.parseInt(m.group(3)),
                                            hex(m, 4),
                                            hex(m, 5))),
                    "sys_exit",
                    new Form("NR .*", (thread, m) -> new KvmEvent.Returned(thread)));

    private KvmTrace() {}

    /**
     * The events in the text of a trace, in their order. Other events are skipped.
     *
     * @throws MalformedTraceException when a known event has an unknown form, or when the kernel
     *     has dropped events for lack of room
     */
    public static List<KvmEvent> parse(String trace) {
        List<KvmEvent> events = new ArrayList<>();
        trace.lines().forEach(line -> parseLine(line).ifPresent(events::add));
        return events;
    }

    private static Optional<KvmEvent> parseLine(String line) {
        Matcher written = WRITTEN.matcher(line);
        if (written.matches() && !written.group(1).equals(written.group(2))) {
            throw new MalformedTraceException("the guest's trace has lost events: " + line);
        }
        Matcher m = LINE.matcher(line);
        Form form = m.matches() ? FORMS.get(m.group(2)) : null;
        if (form == null) {
            return Optional.empty();
        }
        Matcher arguments = form.pattern.matcher(m.group(3));
        if (!arguments.matches()) {
            throw new MalformedTraceException(
                    "the guest's trace: \""
                            + line.strip()
                            + "\" is not of the form "
                            + form.pattern);
        }
        return Optional.ofNullable(form.make.apply(Integer.parseInt(m.group(1)), arguments));
    }

    private static long hex(Matcher m, int group) {
        return Long.parseUnsignedLong(m.group(group), 16);
    }

    /** Null for a request that says nothing about what can be reached. */
    private static KvmEvent request(int thread, long kvm, long number) {
        if (number == TLB_FLUSH) {
            return new KvmEvent.FlushRequested(thread, kvm);
        }
        return number == FREE_OBSOLETE_ROOTS ? new KvmEvent.RootsDropped(thread, kvm) : null;
    }
}
