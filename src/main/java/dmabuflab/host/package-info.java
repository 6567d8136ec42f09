// SPDX-License-Identifier: Apache-2.0
/**
 * What the lab needs from the machine it runs on: processes, the cache, progress on the terminal.
 */
package dmabuflab.host;
