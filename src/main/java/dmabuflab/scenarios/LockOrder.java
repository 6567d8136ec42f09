// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.BarMapping;
import dmabuflab.guest.Edu;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.LockChains;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The locks that exporters and importers meet at, as lockdep saw them taken. */
@Catalogue
@Devices({"ivshmem:16M", "edu"})
class LockOrder {
    private static final Range SOME = new Range(1 << 20, 64 * Exporter.PAGE);

    private static final String MMAP = "&mm->mmap_lock";
    private static final String MEMORY = "&vdev->memory_lock";
    private static final String SLOTS = "&kvm->slots_lock";
    private static final String RESV = "reservation_ww_class_mutex";
    private static final String PAGES = "&pages_dmabuf_mutex_key";
    private static final String MMU = "&(kvm)->mmu_lock";
    private static final String REGION = "&umem->lock";
    private static final String MMU_NOTIFIER = "mmu_notifier_invalidate_range_start";

    /** The order of the rule, the outer lock first. */
    private static final List<List<String>> ORDER =
            List.of(
                    List.of(MMAP, MEMORY),
                    List.of(MEMORY, RESV),
                    List.of(SLOTS, RESV),
                    List.of(RESV, PAGES),
                    List.of(RESV, MMU),
                    List.of(RESV, REGION));

    /**
     * What the rule forbids beside its order reversed. Whoever copies to or from user space takes
     * the mmap lock in the eyes of lockdep, even if no page is missing.
     */
    private static final List<List<String>> NEVER =
            List.of(List.of(RESV, MMAP), List.of(MMU_NOTIFIER, RESV));

    @Test
    @DisplayName("every order of the rule is one that the kernel takes, and none is taken reversed")
    @Proves("LK1")
    void everyOrderIsTaken(Testbed bed) {
        Exporter exporter = bed.exporter();
        RdmaWindow region = RdmaWindow.of(bed, exporter, SOME);
        Assumptions.assumeTrue(
                chains(bed).isPresent(),
                "this kernel has no lockdep to say what it took; run it with --kernel debug");
        KvmWindow slot = KvmWindow.of(bed, exporter, SOME).set();
        Ioas ioas = bed.ioas();
        Edu edu = bed.dmaEngine(ioas);
        DmaWindow mapping = DmaWindow.of(bed, exporter, ioas, edu, SOME).map();
        region.register(RdmaWindow.ON_DEMAND);
        BarMapping cpu = exporter.vfio().map(exporter.bar(), SOME, "cpu");
        slot.assertWorks();
        region.assertWorks();
        mapping.assertWorks();
        assertThat(cpu.tryRead(0, Long.BYTES)).matches(Answer::ok);

        exporter.vfio().memory(false);

        slot.assertCutOff();
        region.assertCutOff();
        mapping.assertCutOff();
        assertThat(cpu.tryRead(0, Long.BYTES).errno()).isEqualTo("SIGBUS");
        exporter.vfio().memory(true);
        slot.assertWorks();
        region.assertWorks();
        mapping.assertWorks();
        slot.delete();
        mapping.unmap();

        LockChains taken = chains(bed).orElseThrow();
        SoftAssertions all = new SoftAssertions();
        for (List<String> order : ORDER) {
            String outer = order.get(0);
            String inner = order.get(1);
            all.assertThat(taken.takenInside(outer, inner))
                    .as("%s inside %s", inner, outer)
                    .isNotEmpty();
            all.assertThat(taken.takenInside(inner, outer))
                    .as("%s inside %s", outer, inner)
                    .isEmpty();
        }
        for (List<String> order : NEVER) {
            all.assertThat(taken.takenInside(order.get(0), order.get(1)))
                    .as("%s inside %s", order.get(1), order.get(0))
                    .isEmpty();
        }
        all.assertAll();
    }

    private static Optional<LockChains> chains(Testbed bed) {
        Set<String> locks =
                Stream.of(ORDER, NEVER)
                        .flatMap(List::stream)
                        .flatMap(List::stream)
                        .collect(Collectors.toSet());
        return LockChains.of(bed.agent(), locks);
    }
}
