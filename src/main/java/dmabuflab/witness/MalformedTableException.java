// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

/**
 * A page table, an IOMMU's or a nested one, holds something hardware would refuse or that no kernel
 * builds. The message names the entry and its content. When the guest runs meanwhile it may also
 * mean that a table was freed and used for something else between two reads.
 */
public class MalformedTableException extends RuntimeException {
    MalformedTableException(String message) {
        super(message);
    }
}
