// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The devices a scenario needs, hot-plugged in this order into its guest: names of files in
 * qemu/devices, with a size where they need one ({@code "ivshmem:16M"}). On a method it replaces
 * what the class says.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
public @interface Devices {
    String[] value();
}
