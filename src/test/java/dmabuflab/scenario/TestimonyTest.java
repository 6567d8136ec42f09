// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TestimonyTest {
    private final Testimony testimony = new Testimony();

    @Test
    void newsAreInTheOrderTheyCame() {
        testimony.record(Witness.MEMORY, "a");
        testimony.record(Witness.KERNEL_ANSWER, "b");
        assertThat(testimony.sinceLastAsked())
                .containsExactly(
                        "  " + Witness.MEMORY + ": a", "  " + Witness.KERNEL_ANSWER + ": b");

        assertThat(testimony.sinceLastAsked()).isEmpty();
        assertThat(testimony.heard())
                .containsExactlyInAnyOrder(Witness.MEMORY, Witness.KERNEL_ANSWER);
    }

    /** A report ends somewhere; who goes through a scenario step by step still hears all. */
    @Test
    void whoAsksHearsMoreThanIsKept() {
        for (int n = 1; n <= 1000; n++) {
            testimony.record(Witness.MEMORY, "n" + n);
        }
        assertThat(testimony.statements().get(Witness.MEMORY)).hasSize(200).contains("n200");
        assertThat(testimony.sinceLastAsked()).hasSize(200).last().asString().endsWith("n1000");

        testimony.record(Witness.MEMORY, "more");
        assertThat(testimony.sinceLastAsked()).containsExactly("  " + Witness.MEMORY + ": more");
    }
}
