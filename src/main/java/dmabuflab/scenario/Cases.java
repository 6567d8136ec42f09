// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.lang.annotation.Annotation;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContextProvider;
import org.junit.platform.commons.support.AnnotationSupport;
import org.junit.platform.commons.support.ReflectionSupport;

/** Every combination of the parameters that a scenario's annotations list; see {@link Each}. */
final class Cases implements TestTemplateInvocationContextProvider {

    @Override
    public boolean supportsTestTemplate(ExtensionContext context) {
        return !parameters(context.getRequiredTestMethod()).isEmpty();
    }

    @Override
    public Stream<TestTemplateInvocationContext> provideTestTemplateInvocationContexts(
            ExtensionContext context) {
        return selected(of(context.getRequiredTestMethod()).stream(), context);
    }

    /** Those of a scenario's cases that the user means. */
    static Stream<TestTemplateInvocationContext> selected(
            Stream<Case> cases, ExtensionContext context) {
        Selection selection = Selection.from(context::getConfigurationParameter);
        Listing scenario =
                Listing.of(
                        context.getRequiredTestClass(),
                        context.getRequiredTestMethod(),
                        context.getDisplayName(),
                        context.getTags());
        return cases.filter(each -> selection.includes(scenario, each.name()))
                .map(TestTemplateInvocationContext.class::cast);
    }

    /** All cases of a scenario, none when it has no parameters. */
    static List<Case> of(Method scenario) {
        List<List<Enum<?>>> parameters = parameters(scenario);
        if (parameters.isEmpty()) {
            return List.of();
        }
        List<List<Enum<?>>> combinations = List.of(List.of());
        for (List<Enum<?>> parameter : parameters) {
            List<List<Enum<?>>> longer = new ArrayList<>();
            for (List<Enum<?>> combination : combinations) {
                for (Enum<?> value : parameter) {
                    List<Enum<?>> values = new ArrayList<>(combination);
                    values.add(value);
                    longer.add(List.copyOf(values));
                }
            }
            combinations = longer;
        }
        return combinations.stream().map(Case::new).toList();
    }

    /** The values of each parameter, in the order that {@link Each} promises. */
    static List<List<Enum<?>>> parameters(Method scenario) {
        return Arrays.stream(scenario.getAnnotations())
                .filter(a -> AnnotationSupport.isAnnotated(a.annotationType(), Each.class))
                .sorted(Comparator.comparing(a -> a.annotationType().getSimpleName()))
                .map(Cases::values)
                .toList();
    }

    private static List<Enum<?>> values(Annotation parameter) {
        Method method =
                ReflectionSupport.findMethod(parameter.annotationType(), "value")
                        .orElseThrow(
                                () -> new IllegalStateException(parameter + " has no value()"));
        Object named = ReflectionSupport.invokeMethod(method, parameter);
        Object[] constants = method.getReturnType().getComponentType().getEnumConstants();
        int length = Array.getLength(named);
        Stream<Object> values =
                length == 0
                        ? Arrays.stream(constants)
                        : Stream.iterate(0, i -> i < length, i -> i + 1)
                                .map(i -> Array.get(named, i));
        List<Enum<?>> distinct = new ArrayList<>();
        values.distinct().forEach(value -> distinct.add((Enum<?>) value));
        return distinct;
    }
}
