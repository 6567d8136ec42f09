// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A rule of the contract, and what there is to prove it.
 *
 * @param id for instance {@code PQ4}
 * @param text what it says, one line
 * @param proofs the scenarios that prove it, in the order of their ids
 * @param mutants the kernels that break it on purpose, by name, and what is known of each
 */
public record Rule(
        String id, String text, List<Proof> proofs, Map<String, Optional<MutantFinding>> mutants) {

    /**
     * A scenario that proves rules.
     *
     * @param cases ids of all its cases, empty when it has none or they are not known before it
     *     runs
     */
    public record Proof(String scenario, List<String> cases) {}
}
