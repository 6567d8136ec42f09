// SPDX-License-Identifier: Apache-2.0
/**
 * The lab in a container: a toolchain and a QEMU that are those of a release of Debian, whatever
 * the machine has. Kernels, snapshots and reports stay where they are without.
 */
package dmabuflab.container;
