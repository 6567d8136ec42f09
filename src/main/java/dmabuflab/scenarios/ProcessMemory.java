// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.BarMapping;
import dmabuflab.guest.TestExporter;
import dmabuflab.guest.TestExporter.Lifetime;
import dmabuflab.guest.TestExporter.Segment;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.util.List;
import org.junit.jupiter.api.DisplayName;

/** Memory of a process, shared like any other: its pages are pinned for whoever imports them. */
@Catalogue
class ProcessMemory {
    private static final int PAGES = 16;
    private static final int PAGE_OF_WORD = 3;
    private static final long IN_PAGE = 64;
    private static final long OFFSET = PAGE_OF_WORD * Exporter.PAGE + IN_PAGE;
    private static final long BEFORE = 0x1111_1111_1111_1111L;
    private static final long AFTER = 0x2222_2222_2222_2222L;

    /** All that take RAM: iommufd maps MMIO only. */
    @EachImporter({
        ImporterKind.KVM,
        ImporterKind.RXE_PINNED,
        ImporterKind.RXE_ON_DEMAND,
        ImporterKind.GPU,
        ImporterKind.COMPOSITOR
    })
    @DisplayName("pinned pages of a process are written where they are, also when it unmaps them")
    @Proves({"CO1", "LC1"})
    void pinned(Testbed bed, ImporterKind kind) {
        bed.requireSeries("lifetimes");
        BarMapping memory = BarMapping.ofMemory(bed.agent(), "memory", PAGES * Exporter.PAGE);
        TestExporter exporter =
                TestExporter.create(
                        bed.agent(),
                        "exporter",
                        Lifetime.PINNED,
                        List.of(Segment.pinned(memory, PAGES)));
        long address = exporter.pfn(0, PAGE_OF_WORD) * Exporter.PAGE + IN_PAGE;
        ImporterUnderTest importer = ImporterUnderTest.racing(kind, bed);
        assertThat(importer.attach(exporter.buffer()).errno()).isEmpty();

        assertThat(importer.write(OFFSET, BEFORE)).as("it can write").isTrue();

        assertThat(memory.read(OFFSET, Long.BYTES)).isEqualTo(RdmaWindow.bytes(BEFORE));
        assertThat(bed.ram().readLong(address)).isEqualTo(BEFORE);
        memory.close();
        assertThat(importer.write(OFFSET, AFTER)).as("it can still write").isTrue();
        assertThat(bed.ram().readLong(address)).isEqualTo(AFTER);
    }
}
