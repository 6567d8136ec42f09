// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import dmabuflab.scenario.Each;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A scenario that runs once for each of these importers, by default for all. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@Each
@interface EachImporter {
    ImporterKind[] value() default {};
}
