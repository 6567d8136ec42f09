// SPDX-License-Identifier: Apache-2.0
/** From a kernel target of {@code kernel-config} to a bootable image in the cache. */
package dmabuflab.kernel;
