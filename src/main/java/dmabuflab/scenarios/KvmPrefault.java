// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Exit;
import dmabuflab.guest.Hold;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Job;
import dmabuflab.guest.Memslot;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.Vm;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.NestedView;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.NestedLeaf;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Memory that is mapped for a vCPU before it has accessed any: KVM_PRE_FAULT_MEMORY. */
@Catalogue
@Devices("ivshmem:16M")
class KvmPrefault {
    private static final long PAGE = Exporter.PAGE;
    private static final long MIB = 1 << 20;
    private static final long GPA = KvmWindow.GPA;
    private static final int SMALL = 0;
    private static final int HUGE = 9;
    private static final Range SOME = new Range(2 * MIB, 64 * PAGE);

    /** The second one first, and what lies between them is not shared. */
    private static final Range[] TWO = {
        new Range(8 * MIB, 16 * PAGE), new Range(2 * MIB, 16 * PAGE)
    };

    @Test
    @DisplayName("each page asked for is mapped to its own frame, before any access, and no other")
    @Proves({"KV1", "PQ5"})
    void mapsAhead(Testbed bed) {
        KvmWindow window = KvmWindow.of(bed, bed.exporter(), TWO).set();

        assertMaps(window, 10 * PAGE, 12 * PAGE);

        assertThat(window.nested().leaves(GPA, 32 * PAGE))
                .hasSize(12)
                .noneMatch(NestedLeaf::accessed)
                .first()
                .matches(leaf -> leaf.gpa() == GPA + 10 * PAGE);
        assertMaps(window, 0, 32 * PAGE);
        assertThat(window.nested().leaves(GPA, 32 * PAGE)).hasSize(32);
        int changes = window.nested().changes(GPA, 32 * PAGE).size();
        assertThat(window.vcpu().tryWrites(GPA, 1, 32, PAGE)).matches(Exit::complete);
        assertThat(window.nested().changes(GPA, 32 * PAGE)).as("no fault since").hasSize(changes);
        window.assertWorks();
    }

    @Test
    @DisplayName("pages are as large as they can be, and what is said to be mapped is mapped")
    @Proves({"KV1", "PQ4"})
    void hugePages(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window =
                KvmWindow.of(bed, exporter, new Range(0, 8 * MIB))
                        .part(1, MIB, 6 * MIB, GPA + MIB)
                        .set();

        // From within one large page to within the next.
        assertMaps(window, 2 * MIB, 2 * MIB);

        assertThat(window.nested().leaves(GPA + MIB, 6 * MIB))
                .extracting(NestedLeaf::gpa, NestedLeaf::order)
                .containsExactly(tuple(GPA + 2 * MIB, HUGE), tuple(GPA + 4 * MIB, HUGE));
        assertMaps(window, 0, 6 * MIB);
        assertThat(window.nested().leaves(GPA + MIB, 6 * MIB))
                .as("2 large pages between 256 small ones at either end")
                .hasSize(256 + 2 + 256)
                .filteredOn(leaf -> leaf.order() == SMALL)
                .hasSize(512);
        window.assertWorks();
        exporter.vfio().memory(false);
        window.assertZapped();
    }

    @Test
    @DisplayName("it goes as far as it can and tells: up to what is revoked, up to the slot's end")
    @Proves({"KV1", "KV4"})
    @Devices({"ivshmem:16M", "ivshmem:16M"})
    void goesAsFarAsItCan(Testbed bed) {
        Exporter revoked = bed.exporter();
        Exporter other = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, revoked, SOME).set();
        window.vm().set(rightBefore(other));
        revoked.vfio().memory(false);

        Answer some = window.vcpu().tryPrefault(GPA - 4 * PAGE, 8 * PAGE);

        assertThat(some).matches(Answer::ok);
        assertThat(some.number("gpa")).isEqualTo(GPA);
        assertThat(some.number("left")).isEqualTo(4 * PAGE);
        long frame = other.pfn(SOME.offset() + SOME.length()) - 4;
        assertThat(window.nested().leaves(GPA - SOME.length(), 2 * SOME.length()))
                .extracting(NestedLeaf::pfn)
                .containsExactly(frame, frame + 1, frame + 2, frame + 3);
        assertMapsNothing(window, 0, 4 * PAGE, "EFAULT");
        revoked.vfio().memory(true);
        Answer toTheEnd = window.vcpu().tryPrefault(GPA, SOME.length() + PAGE);
        assertThat(toTheEnd.number("left")).isEqualTo(PAGE);
        assertMapsNothing(window, SOME.length(), PAGE, "ENOENT");
        window.assertExact();
    }

    @Test
    @DisplayName(
            "what is revoked is not mapped, and the call returns; it is mapped once it is back")
    @Proves({"KV2", "KV4", "UR3", "RV2"})
    void revoked(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        assertMaps(window, 0, SOME.length());

        exporter.vfio().memory(false);

        window.assertZapped();
        Answer refused = bed.complete(window.vcpu().prefaultAsJob(GPA, SOME.length()));
        assertThat(refused.errno()).isEqualTo("EFAULT");
        assertThat(refused.number("left")).isEqualTo(SOME.length());
        window.assertCutOff();
        exporter.vfio().memory(true);
        window.assertUnmapped();
        assertMaps(window, 0, SOME.length());
        assertThat(window.vcpu().resume()).as("what had been refused").matches(Exit::complete);
        window.assertWorks();
        exporter.vfio().close();
        window.assertZapped();
        assertMapsNothing(window, 0, PAGE, "EFAULT");
    }

    @Test
    @DisplayName("a signal ends it while it waits for the exporter, and what is done is done")
    @Proves({"KV4", "PQ3", "PQ6"})
    void signal(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        window.vm().set(rightBefore(exporter));
        Importer mover = bed.importer(window.buffer());
        mover.holdFence("kernel");

        Job waits = window.vcpu().prefaultAsJob(GPA, PAGE);
        awaitQueries(bed, 1);
        window.vcpu().interrupt();
        Answer nothing = bed.complete(waits);
        waits = window.vcpu().prefaultAsJob(GPA - PAGE, 2 * PAGE);
        awaitQueries(bed, 3);
        window.vcpu().interrupt();
        Answer some = bed.complete(waits);

        assertThat(nothing.errno()).isEqualTo("EINTR");
        assertThat(nothing.number("left")).isEqualTo(PAGE);
        assertThat(some).matches(Answer::ok);
        assertThat(some.number("left")).isEqualTo(PAGE);
        assertThat(window.nested().leaves(GPA - PAGE, 2 * PAGE))
                .extracting(NestedLeaf::gpa)
                .containsExactly(GPA - PAGE);
        mover.signalFence();
        assertMaps(window, 0, SOME.length());
        window.assertWorks();
    }

    // Deleting a slot makes the tables of all vCPUs obsolete, and waits for whoever looks at the
    // slots: one that went on with these tables, or waited for the slot itself, would never end.
    @Test
    @DisplayName("while a slot is deleted, pages of others are mapped and its own are not")
    @Proves({"KV3", "KV1"})
    void whileASlotIsDeleted(Testbed bed) {
        Exporter exporter = bed.exporter();
        KvmWindow window = KvmWindow.of(bed, exporter, SOME).set();
        KvmWindow other = window.part(2, 0, SOME.length(), 2 * GPA).set();
        NestedView nested = window.nested();
        Importer mover = bed.importer(window.buffer());
        assertMaps(window, 0, PAGE);
        mover.holdFence("kernel");
        Job delete;
        Job prefault;
        try (Hold marked = Hold.at(bed.agent(), "kvm_arch_memslots_updated")) {
            delete =
                    Job.start(
                            bed.agent(),
                            "kvm.memslot",
                            other.slot().deleted().arguments(window.vm()));
            marked.await(bed.limit());
            Job refused = other.vcpu().prefaultAsJob(2 * GPA, PAGE);
            assertThat(bed.complete(refused).errno()).as("of that slot").isEqualTo("EAGAIN");
            int queries = queries(bed);
            prefault = window.vcpu().prefaultAsJob(GPA, SOME.length());
            awaitQueries(bed, queries + 1);
        }
        bed.await("the tables are obsolete", () -> nested.rootsDropped() > 0);
        mover.signalFence();

        Answer mapped = bed.complete(prefault);

        assertThat(mapped).matches(Answer::ok);
        assertThat(mapped.number("left")).isZero();
        assertThat(bed.complete(delete)).matches(Answer::ok);
        assertThat(window.nested().leaves(GPA, SOME.length())).hasSize(64);
        window.assertWorks();
    }

    @Test
    @DisplayName("private memory is mapped where it is private, and nowhere else")
    @Proves({"KV5", "KV4"})
    void privateMemory(Testbed bed) {
        KvmWindow.requireSeries(bed);
        Vm vm = bed.vm(bed.agent(), Vm.Type.SW_PROTECTED);
        Exporter exporter = bed.privateExporter(vm);
        KvmWindow window = KvmWindow.ofPrivate(bed, exporter, vm, SOME).set();
        assertMapsNothing(window, 0, SOME.length(), "EFAULT");

        vm.convert(GPA, 16 * PAGE, true);

        Answer some = window.vcpu().tryPrefault(GPA, SOME.length());
        assertThat(some.number("left")).isEqualTo(SOME.length() - 16 * PAGE);
        assertThat(window.nested().leaves(GPA, SOME.length())).hasSize(16);
        window.assertExact();
        window.convert(true);
        assertMaps(window, 0, SOME.length());
        window.assertWorks();
        exporter.vfio().memory(false);
        window.assertZapped();
        assertMapsNothing(window, 0, SOME.length(), "EFAULT");
    }

    private static Memslot rightBefore(Exporter exporter) {
        return Memslot.at(2, GPA - SOME.length(), SOME.length()).of(exporter.export(SOME), 0);
    }

    /** All of this part of the slot is mapped now. */
    private static void assertMaps(KvmWindow window, long from, long bytes) {
        Answer answer = window.vcpu().tryPrefault(window.slot().gpa() + from, bytes);
        assertThat(answer).matches(Answer::ok);
        assertThat(answer.number("left")).isZero();
        window.assertExact();
    }

    /** It fails, says that nothing was done, and nothing was. */
    private static void assertMapsNothing(KvmWindow window, long from, long bytes, String errno) {
        long gpa = window.slot().gpa() + from;
        Answer answer = window.vcpu().tryPrefault(gpa, bytes);
        assertThat(answer.errno()).isEqualTo(errno);
        assertThat(answer.number("gpa")).isEqualTo(gpa);
        assertThat(answer.number("left")).isEqualTo(bytes);
        assertThat(window.nested().leaves(gpa, bytes)).isEmpty();
    }

    private static int queries(Testbed bed) {
        return bed.events("get_pfn_unlocked:").size();
    }

    private static void awaitQueries(Testbed bed, int count) {
        bed.await("the exporter is asked", () -> queries(bed) >= count);
    }
}
