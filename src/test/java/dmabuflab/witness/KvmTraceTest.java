// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KvmTraceTest {
    private static final long KVM = 0xffffc900003d1000L;
    private static final long OTHER = 0xffffc90000123000L;
    private static final long VCPU = 0xffff888005a38000L;
    private static final long GPA = 5L << 30;
    private static final long LEAF = 0x910200e67L;
    private static final long NOTHING = 1L << 63;

    private static String line(int thread, String event) {
        return "          labctl-%d      [001] d..1.    28.907006: %s\n".formatted(thread, event);
    }

    private static List<KvmEvent> parse(String event) {
        return KvmTrace.parse(line(80, event));
    }

    private static KvmEvent spte(int thread, long gpa, long before, long after) {
        return new KvmEvent.SpteChanged(thread, 0, gpa, 1, before, after);
    }

    private static KvmEvent unmap(int thread, long kvm) {
        return new KvmEvent.Unmap(thread, kvm, GPA, 0x4000);
    }

    @Test
    void readsWhatTheKernelWrites() {
        assertThat(
                        parse(
                                "kvm_tdp_mmu_spte_changed: as id 0 gfn 140000 level 1"
                                        + " old_spte 8000000000000000 new_spte 910200e67"))
                .containsExactly(spte(80, GPA, NOTHING, LEAF));
        assertThat(parse("kvm_vm_created: (kvm_arch_init_vm+0x0/0x3f0) kvm=0xffffc900003d1000"))
                .containsExactly(new KvmEvent.VmCreated(80, KVM));
        assertThat(
                        parse(
                                "kvm_vcpu_created: (svm_vcpu_create+0x0/0xf0)"
                                        + " kvm=0xffffc900003d1000 vcpu=0xffff888005a38000"))
                .containsExactly(new KvmEvent.VcpuCreated(80, KVM, VCPU));
        assertThat(
                        parse(
                                "kvm_root: (svm_load_mmu_pgd+0x0/0xa0) vcpu=0xffff888005a38000"
                                        + " root=0x5b2d000 levels=4"))
                .containsExactly(new KvmEvent.RootLoaded(80, VCPU, 0x5b2d000, 4));
        assertThat(
                        parse(
                                "kvm_unmap: (kvm_tdp_mmu_unmap_gfn_range+0x0/0xc0)"
                                        + " kvm=0xffffc900003d1000 start=0x140000 end=0x140004"))
                .containsExactly(unmap(80, KVM));
        assertThat(parse("sys_exit: NR 18 = 2")).containsExactly(new KvmEvent.Returned(80));
    }

    @Test
    void aRequestIsAFlushOnlyIfItIsOne() {
        String request =
                "kvm_request: (kvm_make_all_cpus_request+0x0/0xc0) kvm=0xffffc900003d1000 request=";

        assertThat(parse(request + "0x300")).containsExactly(new KvmEvent.FlushRequested(80, KVM));
        assertThat(parse(request + "0x327")).containsExactly(new KvmEvent.RootsDropped(80, KVM));
        assertThat(parse(request + "0x301")).as("another request").isEmpty();
        assertThat(parse(request + "0x700")).as("a kick without a request").isEmpty();
    }

    @Test
    void otherLinesAreSkipped() {
        assertThat(
                        KvmTrace.parse(
                                "# tracer: nop\n#\n"
                                        + "# entries-in-buffer/entries-written: 38/38   #P:2\n"
                                        + line(80, "dma_buf_fd: exp_name=vfio_pci_core fd=11")))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "kvm_tdp_mmu_spte_changed: as id 0 gfn 140000 level 1 old_spte 0",
                "kvm_unmap: (kvm_tdp_mmu_unmap_gfn_range+0x0/0xc0) kvm=(fault) start=0x1 end=0x2",
                "kvm_root: (svm_load_mmu_pgd+0x0/0xa0) vcpu=0xffff888005a38000",
            })
    void anUnknownFormIsAnError(String event) {
        assertThatThrownBy(() -> parse(event)).isInstanceOf(MalformedTraceException.class);
    }

    @Test
    void lostEventsAreAnError() {
        assertThatThrownBy(
                        () -> KvmTrace.parse("# entries-in-buffer/entries-written: 38/40   #P:2\n"))
                .isInstanceOf(MalformedTraceException.class)
                .hasMessageContaining("lost");
    }

    @Test
    void aLifeEndsWhereAnotherWithItsAddressBegins() {
        List<KvmEvent> events =
                List.of(
                        new KvmEvent.VmCreated(80, KVM),
                        new KvmEvent.CapabilityAsked(80, 0, 77),
                        new KvmEvent.CapabilityAsked(80, KVM, 77),
                        new KvmEvent.VcpuCreated(80, KVM, VCPU),
                        new KvmEvent.VcpuCreated(80, KVM, VCPU + 0x2000),
                        new KvmEvent.RootLoaded(81, VCPU, 0x1000, 4),
                        new KvmEvent.RootLoaded(81, VCPU, 0x2000, 4),
                        new KvmEvent.VmCreated(80, KVM),
                        new KvmEvent.CapabilityAsked(80, KVM, 78),
                        new KvmEvent.VcpuCreated(80, KVM, VCPU),
                        new KvmEvent.RootLoaded(82, VCPU, 0x3000, 4),
                        new KvmEvent.VcpuFreed(80, VCPU));

        assertThat(KvmHistory.ofAsked(events, 77).orElseThrow().roots())
                .containsOnlyKeys(VCPU)
                .containsValue(new KvmEvent.RootLoaded(81, VCPU, 0x2000, 4));
        assertThat(KvmHistory.ofAsked(events, 78).orElseThrow().roots()).isEmpty();
        assertThat(KvmHistory.ofAsked(events.subList(0, 11), 78).orElseThrow().roots())
                .containsValue(new KvmEvent.RootLoaded(82, VCPU, 0x3000, 4));
        assertThat(KvmHistory.ofAsked(events, 79)).isEmpty();
    }

    @Test
    void changesOfARange() {
        KvmEvent.SpteChanged mapped = new KvmEvent.SpteChanged(80, 0, GPA, 2, NOTHING, LEAF | 0x80);
        KvmEvent.SpteChanged split =
                new KvmEvent.SpteChanged(80, 0, GPA, 2, LEAF | 0x80, 0x5000827);
        KvmEvent.SpteChanged gone =
                new KvmEvent.SpteChanged(80, 0, GPA, 1, LEAF, NestedTables.KVM_FROZEN);
        KvmHistory history = new KvmHistory(KVM, List.of(mapped, split, gone));

        assertThat(history.changes(GPA + 0x1000, 0x1000)).containsExactly(mapped, split);
        assertThat(history.changes(GPA, 1)).containsExactly(mapped, split, gone);
        assertThat(mapped.isLeaf()).isTrue();
        assertThat(mapped.zapped()).isFalse();
        assertThat(split.zapped()).isTrue();
        assertThat(gone.zapped()).isTrue();
    }

    @Test
    void aFlushBelongsBetweenTheLastZapAndTheReturn() {
        KvmEvent zap = spte(80, GPA, LEAF, NOTHING);
        KvmEvent flush = new KvmEvent.FlushRequested(80, KVM);
        KvmEvent returned = new KvmEvent.Returned(80);

        assertThat(flushed(unmap(80, KVM), zap, flush, returned)).contains(true);
        assertThat(flushed(unmap(80, KVM), zap, new KvmEvent.Returned(81), flush, returned))
                .contains(true);
        assertThat(flushed(unmap(80, KVM), zap, returned, flush)).contains(false);
        assertThat(flushed(unmap(80, KVM), flush, zap, returned)).contains(false);
        assertThat(flushed(unmap(80, KVM), zap, flush, zap, returned)).contains(false);
        assertThat(flushed(unmap(80, KVM), zap, new KvmEvent.FlushRequested(80, OTHER), returned))
                .contains(false);
        assertThat(flushed(unmap(80, KVM), zap)).contains(false);
        assertThat(flushed(unmap(80, KVM), zap, flush)).contains(true);
    }

    @Test
    void whatDroppedTablesMapTakesNoFlush() {
        KvmEvent map = spte(80, GPA, NOTHING, LEAF);
        KvmEvent drop = new KvmEvent.RootsDropped(81, KVM);
        KvmEvent othersDrop = new KvmEvent.RootsDropped(81, OTHER);
        KvmEvent zap = spte(80, GPA, LEAF, NOTHING);
        KvmEvent returned = new KvmEvent.Returned(80);

        assertThat(new KvmHistory(KVM, List.of(drop, othersDrop, map, drop)).rootsDropped())
                .isEqualTo(2);
        assertThat(flushed(map, drop, unmap(80, KVM), zap, returned)).contains(true);
        assertThat(flushed(map, othersDrop, unmap(80, KVM), zap, returned)).contains(false);
        assertThat(flushed(map, drop, map, unmap(80, KVM), zap, returned))
                .as("mapped again by the tables in force")
                .contains(false);
        assertThat(flushed(map, unmap(80, KVM), zap, drop, returned))
                .as("dropped too late")
                .contains(false);
    }

    @Test
    void whatOthersUnmapIsNotOurs() {
        KvmEvent zap = spte(80, GPA, LEAF, NOTHING);
        KvmEvent returned = new KvmEvent.Returned(80);

        assertThat(flushed(unmap(80, OTHER), zap, returned)).as("another's").isEmpty();
        assertThat(flushed(unmap(81, KVM), zap, returned)).as("another thread's").isEmpty();
        assertThat(flushed(unmap(80, KVM), returned, zap, returned)).as("later").isEmpty();
        assertThat(flushed(unmap(80, KVM), spte(80, GPA + 0x4000, LEAF, NOTHING), returned))
                .as("beside the range")
                .isEmpty();
        assertThat(flushed(unmap(80, KVM), spte(80, GPA, NOTHING, LEAF), returned))
                .as("mapped")
                .isEmpty();
    }

    private static Optional<Boolean> flushed(KvmEvent... events) {
        return new KvmHistory(KVM, List.of(events)).flushedBeforeReturn(GPA, 0x4000);
    }
}
