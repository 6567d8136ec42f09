// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A scenario that runs once on each of these IOMMU models, by default on all. Without it a scenario
 * runs on {@link IommuModel#VTD}.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@Each
public @interface EachIommu {
    IommuModel[] value() default {};
}
