// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.scenario.Trigger.Effect;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class TriggerTest {
    @Test
    void passingOnesAreAllButTerminal() throws NoSuchMethodException {
        Object listed = EachPassingTrigger.class.getMethod("value").getDefaultValue();

        assertThat((Trigger[]) listed)
                .containsExactlyInAnyOrder(
                        Stream.of(Trigger.values())
                                .filter(each -> each.effect() != Effect.TERMINAL)
                                .toArray(Trigger[]::new));
    }
}
