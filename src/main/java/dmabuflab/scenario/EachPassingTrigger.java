// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * {@link EachTrigger} but for those that end access for ever. For scenarios with a mapping of the
 * BAR: it keeps its device open, so nothing is for ever while there is one.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@Each
public @interface EachPassingTrigger {
    Trigger[] value() default {
        Trigger.COMMAND_MEMORY,
        Trigger.COMMAND_MEMORY_OF_NVME,
        Trigger.DEVICE_RESET,
        Trigger.FLR,
        Trigger.HOT_RESET,
        Trigger.HOT_RESET_OF_TWO_OPEN,
        Trigger.HOT_RESET_OF_TWO_ONE_CLOSED,
        Trigger.D3HOT,
        Trigger.LOW_POWER,
        Trigger.LOW_POWER_UNTIL_ACCESS,
        Trigger.HOT_RESET_REFUSED,
        Trigger.COMMAND_WRITE_FAILS,
        Trigger.DEVICE_RESET_FAILS,
        Trigger.FLR_FAILS,
        Trigger.HOT_RESET_FAILS,
        Trigger.D3HOT_FAILS
    };
}
