// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.Guest;
import dmabuflab.guest.PluggedDevice;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * A point of a scenario at which somebody looks into its guest.
 *
 * @param before number of the agent's operation that has not been performed yet; empty for where
 *     the scenario turns out to be red, and its guest is still there
 */
public record Stop(Optional<Long> before, Visitor visitor) {
    private static final String PARAMETER = "dmabuflab.stop";
    private static final Map<String, Stop> KNOWN = new ConcurrentHashMap<>();

    /** Who looks; the scenario waits. */
    @FunctionalInterface
    public interface Visitor {
        /**
         * @param plugged the guest's devices by what they were asked for as
         * @param why what the scenario failed with, or the operation that is next
         * @return whether the scenario is to perform that operation, and to stop before the one
         *     after it
         */
        boolean visit(
                Guest guest, IommuModel iommu, Map<String, PluggedDevice> plugged, String why);
    }

    /** Carries itself to scenarios that run in this process, by a JUnit parameter. */
    Registration register() {
        String name = UUID.randomUUID().toString();
        KNOWN.put(name, this);
        return new Registration(name);
    }

    /** The stop of a run, if it has one. */
    static Optional<Stop> from(Function<String, Optional<String>> parameters) {
        return parameters.apply(PARAMETER).map(KNOWN::get);
    }

    /** Until closed. */
    record Registration(String name) implements AutoCloseable {
        Map<String, String> toParameters() {
            return Map.of(PARAMETER, name);
        }

        @Override
        public void close() {
            KNOWN.remove(name);
        }
    }
}
