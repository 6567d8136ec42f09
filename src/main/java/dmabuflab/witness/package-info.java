// SPDX-License-Identifier: Apache-2.0
/**
 * Reads the truth from outside the guest: its page tables and memory, what QEMU's IOMMU did, and
 * what the kernel complained about on its console.
 */
package dmabuflab.witness;
