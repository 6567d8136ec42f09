// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A scenario in which one virtual CPU turns device memory on and off while another one talks to the
 * IOMMU, or uses that memory, or in which there are virtual machines. Emulated CPUs then take turns
 * instead of running in parallel: QEMU 7.2 was seen to lose a register write of the one while the
 * other changed the memory map, and a kernel that waits for an invalidation it has asked for looks
 * as if it hung; and it was seen to crash when a vCPU of a machine inside the guest was using that
 * memory. Of two vCPUs of such a machine that run in parallel one was seen to shut down for no
 * reason, once in twelve thousand runs. The scheduler of the guest still switches anywhere. Without
 * emulation nothing changes.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
public @interface CpusInTurns {}
