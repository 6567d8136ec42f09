// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which locks have been held together since boot, in the order in which they were taken, as a
 * kernel with lockdep has noted. Locks go by lockdep's names, such as {@code &kvm->slots_lock}; the
 * levels of a nested one count as one.
 *
 * @param chains the first lock of each is the one that was taken first
 */
public record LockChains(List<List<String>> chains) {

    /** All chains with at least two of these locks; empty for a kernel without lockdep. */
    public static Optional<LockChains> of(Agent agent, Collection<String> locks) {
        JsonNode answer = agent.call("lockdep.chains", Map.of("locks", locks)).json();
        if (!answer.required("available").asBoolean()) {
            return Optional.empty();
        }
        List<List<String>> chains = new ArrayList<>();
        for (JsonNode chain : answer.required("chains")) {
            List<String> names = new ArrayList<>();
            chain.forEach(name -> names.add(name.asText()));
            chains.add(List.copyOf(names));
        }
        return Optional.of(new LockChains(chains));
    }

    /** The chains in which one lock was taken while another was held, directly or not. */
    public List<List<String>> takenInside(String outer, String inner) {
        return chains.stream()
                .filter(
                        chain -> {
                            int held = chain.indexOf(outer);
                            return held >= 0 && held < chain.lastIndexOf(inner);
                        })
                .toList();
    }
}
