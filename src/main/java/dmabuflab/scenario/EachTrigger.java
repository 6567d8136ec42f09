// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A scenario that runs once for each of these triggers, by default for all. The guest gets the
 * trigger's {@linkplain Trigger#device() device} beside what {@link Devices} lists.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@Each
public @interface EachTrigger {
    Trigger[] value() default {};
}
