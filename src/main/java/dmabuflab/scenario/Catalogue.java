// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A class of scenarios. Each of its tests gets a guest of its own, pristine and with the {@link
 * Devices} it asks for, as a {@link Testbed} parameter.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@Tag(Catalogue.TAG)
@ExtendWith(GuestExtension.class)
public @interface Catalogue {
    String TAG = "scenario";
}
