// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TaintTest {
    private static final long OUT_OF_TREE_MODULE = 1 << 12;
    private static final long WARNED = 1 << 9;
    private static final long DIED = 1 << 7;

    @Test
    void aModuleFromOutsideIsNoComplaint() {
        assertThat(new Taint(OUT_OF_TREE_MODULE).complaints()).isEmpty();
    }

    @Test
    void complaintsAreNamed() {
        assertThat(new Taint(OUT_OF_TREE_MODULE | WARNED | DIED).complaints())
                .containsExactly("an oops or BUG", "a warning");
    }
}
