// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.witness.IommuFault.Access;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IommuFaultsTest {
    private static final IommuFault WRITE =
            new IommuFault(
                    SourceId.parse("00:01.0"),
                    0x1003000,
                    Access.WRITE,
                    VtdFaultReason.of(5),
                    OptionalInt.empty());

    @Test
    void decodesWhatQemuRecorded() {
        // QEMU fills the PASID field even when the bit that validates it is clear.
        assertThat(FaultRecord.decode(0x1003000, 0x00ff_ff05_0000_0008L)).isEqualTo(WRITE);
        assertThat(FaultRecord.pending(0x00ff_ff05_0000_0008L)).isFalse();
        assertThat(FaultRecord.pending(0x80ff_ff05_0000_0008L)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"0,0,WRITE", "1,0,READ", "0,1,OTHER", "1,1,OTHER"})
    void decodesTheType(long type1, long type2, Access access) {
        long high = type1 << 62 | type2 << 28 | 6L << 32 | 0x0108;
        assertThat(FaultRecord.decode(0xffff_ffff_ffff_f000L, high))
                .isEqualTo(
                        new IommuFault(
                                SourceId.parse("01:01.0"),
                                0xffff_ffff_ffff_f000L,
                                access,
                                VtdFaultReason.of(6),
                                OptionalInt.empty()));
    }

    @Test
    void decodesPasid() {
        long high = 1L << 63 | 0xabcdeL << 40 | 0x71L << 32 | 1L << 31 | 0x0108;
        assertThat(FaultRecord.decode(0, high).pasid()).hasValue(0xabcde);
    }

    @Test
    void readsTheKernelsLines() {
        assertThat(
                        DmarConsole.parse(
                                "[    3.348714] DMAR: [DMA Write NO_PASID] Request device"
                                        + " [0000:00:01.0] fault addr 0x1003000 [fault reason 0x05]"
                                        + " PTE Write access is not set"))
                .contains(WRITE);
        assertThat(
                        DmarConsole.parse(
                                "DMAR: [DMA Read PASID 0x1f] Request device [01:00.1] fault addr"
                                        + " 0xffffffff80000000 [fault reason 0x71] SM: Present bit"
                                        + " in first-level paging entry is clear"))
                .contains(
                        new IommuFault(
                                SourceId.parse("01:00.1"),
                                0xffffffff80000000L,
                                Access.READ,
                                VtdFaultReason.of(0x71),
                                OptionalInt.of(0x1f)));
        assertThat(DmarConsole.parse("[    1.000000] DMAR: DRHD: handling fault status reg 2"))
                .isEmpty();
        assertThat(
                        DmarConsole.parse(
                                "DMAR: [INTR-REMAP] Request device [0000:00:01.0] fault index"
                                        + " 0x10 [fault reason 0x22] Present field in the IRTE"
                                        + " entry is clear"))
                .as("an interrupt, not a DMA")
                .isEmpty();
    }

    @Test
    void collectsFromTheStream() {
        DmarConsole console = new DmarConsole();
        feed(console, "[    3.348407] DMAR: DRHD: handling fault status reg 2\r\n");
        feed(console, "[    3.348714] DMAR: [DMA Write NO_PASID] Request dev");
        assertThat(console.faults()).isEmpty();
        feed(console, "ice [0000:00:01.0] fault addr 0x1003000 [fault reason 0x05] PTE\r\n");
        assertThat(console.faults()).containsExactly(WRITE);
    }

    private static void feed(DmarConsole console, String text) {
        console.accept(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void readsWell() {
        assertThat(WRITE).hasToString("00:01.0 write 0x1003000 refused: 0x5, page not writable");
    }
}
