// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SymbolTableTest {
    private static final SymbolTable TABLE =
            SymbolTable.parse(
                    """
                         1: ffffffff81000000   214 FUNC    LOCAL  DEFAULT    1 find
                         2: ffffffff81000100   314 FUNC    LOCAL  DEFAULT    1 find
                         3: ffffffff81000500    20 FUNC    GLOBAL DEFAULT    1 pfn_get
                         4: ffffffff81000600    20 OBJECT  GLOBAL DEFAULT    1 pfn
                         5: ffffffff81000700     8 OBJECT  LOCAL  DEFAULT    1 count
                    """);

    @Test
    void aFunctionIsFoundByName() {
        assertThat(TABLE.address("pfn_get")).isEqualTo(0xffffffff81000500L);
        assertThatThrownBy(() -> TABLE.address("find")).hasMessageContaining("2 files have one");
        assertThatThrownBy(() -> TABLE.address("get"))
                .hasMessageContaining("no such function")
                .hasMessageContaining("pfn_get");
        assertThatThrownBy(() -> TABLE.address("pfn_put")).hasMessageContaining("inlined");
    }

    @Test
    void aVariableOfAllFilesIsFound() {
        assertThat(TABLE.variable("pfn")).contains(0xffffffff81000600L);
        assertThat(TABLE.variable("count")).isEmpty();
        assertThat(TABLE.variable("pfn_get")).isEmpty();
    }

    @Test
    void anAddressIsInAFunction() {
        assertThat(TABLE.describe(0xffffffff81000513L)).isEqualTo("pfn_get+0x13");
        assertThat(TABLE.describe(0xffffffff81000514L)).contains("not the kernel's");
        assertThat(TABLE.describe(0x401000L)).contains("0x401000");
    }
}
