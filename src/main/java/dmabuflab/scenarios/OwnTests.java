// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.EachOwnTest;
import dmabuflab.scenario.KernelsWordOnly;
import dmabuflab.scenario.OwnTest;
import dmabuflab.scenario.Testbed;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;

/** C programs that somebody brings along for a run. */
@Catalogue
@Tag("own")
@KernelsWordOnly("a program in the guest hears nobody else; who wrote it knows what it is worth")
class OwnTests {

    @EachOwnTest
    @DisplayName("a C test of your own: lab run --test FILE.c")
    void program(OwnTest test, Testbed bed) {
        bed.run(test);
    }
}
