// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.host.Terminal.Size;
import dmabuflab.qemu.PciDevice;
import dmabuflab.scenario.HardwareState;
import dmabuflab.scenario.HardwareState.Section;
import dmabuflab.scenario.HardwareState.Traced;
import dmabuflab.witness.Mapping;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class MonitorViewTest {
    private static final Instant FIRST = Instant.parse("2026-11-26T05:00:01.250Z");
    private static final Instant SECOND = FIRST.plusSeconds(60);
    private static final Instant THIRD = SECOND.plusSeconds(60);
    private static final Size LARGE = new Size(40, 100);
    private static final Map<Integer, PciDevice.Bar> DECODED =
            Map.of(
                    0,
                    new PciDevice.Bar(0xfea00000L, 4096),
                    2,
                    new PciDevice.Bar(1L << 36, 1 << 24));

    private static Section bars(Map<Integer, PciDevice.Bar> bars) {
        return Section.bars("B decodes", new PciDevice("b", 0, 0, 2, 0, 0, bars));
    }

    private static Section reach(Mapping... mappings) {
        return Section.reach("A reaches", OptionalInt.of(5), List.of(mappings));
    }

    private static Mapping page(long iova, long physical) {
        return new Mapping(iova, physical, 4096, 4096, true, true);
    }

    private static HardwareState state(Section... sections) {
        return new HardwareState(List.of(sections), List.of());
    }

    private static MonitorView after(HardwareState... states) {
        List<Instant> times = List.of(FIRST, SECOND, THIRD);
        MonitorView view = MonitorView.of("T");
        for (int i = 0; i < states.length; i++) {
            view = view.next(states[i], times.get(i));
        }
        return view;
    }

    private static List<String> lines(HardwareState... states) {
        List<String> lines = after(states).lines(LARGE, ZoneOffset.UTC);
        return lines.subList(1, lines.size() - 1); // without title and trace
    }

    @Test
    void atFirstNothingIsMarked() {
        assertThat(lines(state(bars(DECODED), reach(page(0x1000, 0x7000)))))
                .containsExactly(
                        "B decodes",
                        "    BAR 0  0xfea00000-0xfea00fff, 4K",
                        "    BAR 2  0x1000000000-0x1000ffffff, 16M",
                        "A reaches",
                        "    domain 5",
                        "    0x1000-0x1fff -> 0x7000-0x7fff  rw, pages of 4K");
    }

    @Test
    void whatIsNewGoneOrDifferentIsMarkedInItsPlace() {
        assertThat(
                        lines(
                                state(reach(page(0x1000, 0x7000), page(0x3000, 0x9000))),
                                state(reach(page(0x2000, 0x8000), page(0x3000, 0xa000)))))
                .containsExactly(
                        "A reaches, changed by 05:01:01.250",
                        "    domain 5",
                        "  - 0x1000-0x1fff -> 0x7000-0x7fff  rw, pages of 4K",
                        "  + 0x2000-0x2fff -> 0x8000-0x8fff  rw, pages of 4K",
                        "  ~ 0x3000-0x3fff -> 0xa000-0xafff  rw, pages of 4K"
                                + "  (was 0x3000-0x3fff -> 0x9000-0x9fff  rw, pages ");
    }

    @Test
    void aSectionKeepsItsMarksWhileOthersChange() {
        assertThat(
                        lines(
                                state(bars(DECODED), reach(page(0x1000, 0x7000))),
                                state(bars(DECODED), reach()),
                                state(bars(Map.of()), reach())))
                .containsExactly(
                        "B decodes, changed by 05:02:01.250",
                        "  - BAR 0  0xfea00000-0xfea00fff, 4K",
                        "  - BAR 2  0x1000000000-0x1000ffffff, 16M",
                        "A reaches, changed by 05:01:01.250",
                        "    domain 5",
                        "  - 0x1000-0x1fff -> 0x7000-0x7fff  rw, pages of 4K");
    }

    @Test
    void whatCannotBeReadNowIsShownAsItWas() {
        HardwareState readable = state(bars(DECODED));
        HardwareState unreadable = state(Section.unreadable("B decodes", "0x0 is odd\nmore"));
        assertThat(lines(readable, unreadable))
                .startsWith(
                        "B decodes, unreadable now: 0x0 is odd",
                        "    BAR 0  0xfea00000-0xfea00fff, 4K");
        assertThat(lines(readable, unreadable, readable)).isEqualTo(lines(readable));
        assertThat(lines(unreadable)).containsExactly("B decodes, unreadable now: 0x0 is odd");
        assertThat(lines(unreadable, readable)).isEqualTo(lines(readable));
    }

    @Test
    void aLongListIsShortenedAndSaysByHowMuch() {
        List<Mapping> many = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            many.add(page(0x10000L * i, 0x7000));
        }
        Mapping[] before = many.subList(0, 99).toArray(Mapping[]::new);
        Mapping[] now = many.toArray(Mapping[]::new);
        List<String> lines =
                after(state(reach(before), bars(DECODED)), state(reach(now), bars(DECODED)))
                        .lines(new Size(12, 100), ZoneOffset.UTC);
        assertThat(lines)
                .containsExactly(
                        "T    + new  - gone  ~ different",
                        "A reaches, changed by 05:01:01.250",
                        "    domain 5",
                        "    0x0-0xfff -> 0x7000-0x7fff  rw, pages of 4K",
                        "    0x10000-0x10fff -> 0x7000-0x7fff  rw, pages of 4K",
                        "    0x20000-0x20fff -> 0x7000-0x7fff  rw, pages of 4K",
                        "  + 0x630000-0x630fff -> 0x7000-0x7fff  rw, pages of 4K",
                        "    ... 96 more",
                        "B decodes",
                        "    BAR 0  0xfea00000-0xfea00fff, 4K",
                        "    BAR 2  0x1000000000-0x1000ffffff, 16M",
                        "QEMU's trace");
        assertThat(after(state(reach()), state(reach(now))).lines(new Size(6, 100), ZoneOffset.UTC))
                .contains("    ... 99 more, 98 changed");
    }

    @Test
    void theTraceGetsWhatIsLeftOfTheTerminal() {
        List<Traced> trace =
                List.of(
                        new Traced(Optional.empty(), "a_1 first"),
                        new Traced(Optional.empty(), "b_2 second"),
                        new Traced(Optional.of(FIRST.plusNanos(1000)), "c_3 third"));
        MonitorView view = after(new HardwareState(List.of(bars(Map.of())), trace));
        assertThat(view.lines(new Size(6, 32), ZoneOffset.UTC))
                .containsExactly(
                        "T    + new  - gone  ~ different",
                        "B decodes",
                        "    nothing",
                        "QEMU's trace",
                        "    b_2 second",
                        "    05:00:01.250001 c_3 third");
    }

    @Test
    void untranslatedIsNoRange() {
        Mapping everything = new Mapping(0, 0, 1L << 52, 0, true, true);
        assertThat(lines(state(reach(everything)))).contains("    everything, untranslated  rw");
        assertThat(lines(state(Section.reach("A reaches", OptionalInt.empty(), List.of()))))
                .contains("    no domain: all blocked");
    }
}
