// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.platform.engine.TestDescriptor;
import org.junit.platform.engine.TestTag;
import org.junit.platform.engine.support.descriptor.MethodSource;

/**
 * A scenario as the catalogue lists it.
 *
 * @param title what it shows, one line
 * @param rules ids of the contract's rules, sorted
 * @param builtIn what its machine has from the start, see {@link BuiltIn}
 * @param parameters the values of each of its parameters, empty when it has none, or none that are
 *     known before it runs
 */
public record Listing(
        ScenarioId id,
        String title,
        List<String> rules,
        List<String> devices,
        List<String> builtIn,
        Set<String> tags,
        List<List<String>> parameters) {

    /** Describes a scenario method, or a parameterized one as a whole; empty for classes. */
    static Optional<Listing> of(TestDescriptor descriptor) {
        if (!(descriptor.getSource().orElse(null) instanceof MethodSource source)) {
            return Optional.empty();
        }
        return Optional.of(
                of(
                        source.getJavaClass(),
                        source.getJavaMethod(),
                        descriptor.getDisplayName(),
                        descriptor.getTags().stream()
                                .map(TestTag::getName)
                                .collect(Collectors.toSet())));
    }

    /**
     * Describes a scenario.
     *
     * @param type the class it is run in, which may have inherited it
     */
    static Listing of(Class<?> type, Method method, String title, Set<String> tags) {
        return new Listing(
                new ScenarioId(type.getSimpleName(), method.getName(), ""),
                title,
                rules(method),
                devices(method),
                builtIn(method),
                new TreeSet<>(tags),
                Cases.parameters(method).stream()
                        .map(values -> values.stream().map(Enum::toString).toList())
                        .toList());
    }

    /** Every combination of its parameters, as cases are named; empty when it has none. */
    public List<String> cases() {
        return parameters.stream()
                .reduce(
                        List.of(),
                        (names, values) ->
                                names.isEmpty()
                                        ? values
                                        : names.stream()
                                                .flatMap(n -> values.stream().map(v -> n + "," + v))
                                                .toList());
    }

    /** Whether its cases are tests of the user's own. */
    public boolean isOfOwnTests() {
        return id.className().equals(OwnTest.SCENARIOS);
    }

    /** The same with a case for each of these tests and the IOMMUs it wants. */
    Listing of(List<OwnTest> tests) {
        List<String> names = tests.stream().flatMap(Case::each).map(Case::name).toList();
        return new Listing(id, title, rules, devices, builtIn, tags, List.of(names));
    }

    /** The machines that it runs on, or those of its cases that are selected. */
    Set<MachineModel> machines(Selection selection) {
        Set<String> values =
                cases().stream()
                        .filter(name -> selection.includes(this, name))
                        .flatMap(name -> Arrays.stream(name.split(",")))
                        .collect(Collectors.toSet());
        Set<IommuModel> models = EnumSet.allOf(IommuModel.class);
        models.removeIf(model -> !values.contains(model.toString()));
        return (models.isEmpty() ? EnumSet.of(IommuModel.VTD) : models)
                .stream()
                        .map(model -> new MachineModel(model, builtIn))
                        .collect(Collectors.toSet());
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

    /** What a method's machine has from the start beyond what each has. */
    static List<String> builtIn(Method method) {
        BuiltIn builtIn = method.getAnnotation(BuiltIn.class);
        return builtIn == null ? List.of() : List.of(builtIn.value());
    }
}
