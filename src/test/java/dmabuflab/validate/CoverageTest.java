// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.kernel.ExecutedLines.Line;
import dmabuflab.kernel.Inspection.ChangedLine;
import dmabuflab.validate.PatchCoverage.Gap;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CoverageTest {
    @Test
    void aPatchIsSummedUpInALine() {
        assertThat(patch(41, 34, 14, 9, List.of()).line())
                .isEqualTo("34 of 41 lines of code executed, 9 of 14 branches taken");
        assertThat(patch(2, 2, 0, 0, List.of()).line()).isEqualTo("2 of 2 lines of code executed");
        assertThat(patch(0, 0, 0, 0, List.of()).line()).isEqualTo("no code");
        assertThat(patch(0, 0, 0, 0, List.of("fs/xfs/a.c")).line()).isEqualTo("not measured");
    }

    @Test
    void aGapSaysWhereItIs() {
        assertThat(new Gap("a.c", "f", 3, 3, List.of("\tx();"), false).place())
                .isEqualTo("a.c:3 f()");
        assertThat(new Gap("a.h", "", 3, 5, List.of("a", "b", "c"), false).place())
                .isEqualTo("a.h:3-5");
    }

    @Test
    void linesThatBelongTogetherAreOneGap() {
        Gaps gaps = new Gaps();
        gaps.add(line(1, "not"), not("f"));
        gaps.add(line(2, ""), Optional.empty());
        gaps.add(line(3, "not either"), not("f"));
        gaps.add(line(4, "}"), Optional.empty());
        gaps.add(line(5, "ran"), Optional.of(Line.of("f", true)));
        gaps.add(line(6, "}"), Optional.empty());
        gaps.add(line(7, "x"), not("f"));
        gaps.add(line(8, "other"), not("g"));
        gaps.add(line(10, "later"), not("g"));
        assertThat(gaps.all())
                .containsExactly(
                        new Gap("a.c", "f", 1, 3, List.of("not", "", "not either"), false),
                        new Gap("a.c", "f", 7, 7, List.of("x"), false),
                        new Gap("a.c", "g", 8, 8, List.of("other"), false),
                        new Gap("a.c", "g", 10, 10, List.of("later"), false));
    }

    @Test
    void aLineThatRanIsAGapIfOneWayFromItWasNeverTaken() {
        Gaps gaps = new Gaps();
        gaps.add(line(1, "not"), not("f"));
        gaps.add(line(2, "if (a)"), Optional.of(Line.of("f", true, true, false)));
        gaps.add(line(3, "if (b)"), Optional.of(Line.of("f", true, true, true)));
        assertThat(gaps.all())
                .containsExactly(
                        new Gap("a.c", "f", 1, 1, List.of("not"), false),
                        new Gap("a.c", "f", 2, 2, List.of("if (a)"), true));
        assertThat(gaps.all().get(1).line()).isEqualTo("a branch not taken: a.c:2 f()");
    }

    private static ChangedLine line(int number, String text) {
        return new ChangedLine("a.c", number, 1, text);
    }

    private static Optional<Line> not(String function) {
        return Optional.of(Line.of(function, false));
    }

    private static PatchCoverage patch(
            int lines, int executed, int branches, int taken, List<String> notMeasured) {
        return new PatchCoverage(1, lines, executed, branches, taken, List.of(), notMeasured);
    }
}
