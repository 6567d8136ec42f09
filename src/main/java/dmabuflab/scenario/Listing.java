// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.platform.engine.TestDescriptor;
import org.junit.platform.engine.TestTag;
import org.junit.platform.engine.support.descriptor.MethodSource;

/**
 * A scenario as the catalogue lists it.
 *
 * @param title what it shows, one line
 * @param rules ids of the contract's rules, sorted
 */
public record Listing(
        ScenarioId id, String title, List<String> rules, List<String> devices, Set<String> tags) {

    /** Describes a scenario method, or a parameterized one as a whole; empty for classes. */
    static Optional<Listing> of(TestDescriptor descriptor) {
        if (!(descriptor.getSource().orElse(null) instanceof MethodSource source)) {
            return Optional.empty();
        }
        Method method = source.getJavaMethod();
        Class<?> type = source.getJavaClass();
        Set<String> tags = new TreeSet<>();
        descriptor.getTags().stream().map(TestTag::getName).forEach(tags::add);
        return Optional.of(
                new Listing(
                        new ScenarioId(type.getSimpleName(), method.getName(), ""),
                        descriptor.getDisplayName(),
                        rules(method),
                        devices(method),
                        tags));
    }

    /** The rules of a method together with those of its class. */
    static List<String> rules(Method method) {
        Set<String> rules = new TreeSet<>();
        for (Proves proves :
                new Proves[] {
                    method.getAnnotation(Proves.class),
                    method.getDeclaringClass().getAnnotation(Proves.class)
                }) {
            if (proves != null) {
                rules.addAll(Arrays.asList(proves.value()));
            }
        }
        return List.copyOf(rules);
    }

    /** The devices of a method, or of its class where it names none. */
    static List<String> devices(Method method) {
        Devices own = method.getAnnotation(Devices.class);
        Devices devices =
                own != null ? own : method.getDeclaringClass().getAnnotation(Devices.class);
        return devices == null ? List.of() : List.of(devices.value());
    }
}
