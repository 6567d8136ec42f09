// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class LockChainsTest {
    private static final List<String> REVOKE = List.of("memory_lock", "resv", "mmu_lock");

    private final LockChains chains =
            new LockChains(
                    List.of(REVOKE, List.of("resv", "pages_mutex"), List.of("resv", "resv")));

    @Test
    void haveADirection() {
        assertThat(chains.takenInside("memory_lock", "mmu_lock")).containsExactly(REVOKE);
        assertThat(chains.takenInside("mmu_lock", "memory_lock")).isEmpty();
        assertThat(chains.takenInside("resv", "resv")).hasSize(1);
    }

    @Test
    void areNotJoined() {
        assertThat(chains.takenInside("memory_lock", "pages_mutex")).isEmpty();
    }
}
