// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

/** What a device's DMA can be attached to, by the name the agent has for it. */
public interface PageTable {
    String name();
}
