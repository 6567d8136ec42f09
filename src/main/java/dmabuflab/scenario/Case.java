// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.Extension;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestTemplateInvocationContext;

/**
 * One combination of a scenario's parameters.
 *
 * @param values one of each parameter, see {@link Each}
 */
record Case(List<?> values) implements TestTemplateInvocationContext, ParameterResolver {
    private static final ExtensionContext.Namespace NAMESPACE =
            ExtensionContext.Namespace.create(Case.class);

    /** The parameter of this type in the invocation that is about to begin or under way. */
    static <T> Optional<T> value(ExtensionContext context, Class<T> type) {
        Case now = context.getStore(NAMESPACE).get(Case.class, Case.class);
        return now == null ? Optional.empty() : now.value(type);
    }

    /** Those of a test of the user's own: one for each IOMMU that it wants. */
    static Stream<Case> each(OwnTest test) {
        return test.iommus().stream().map(iommu -> new Case(List.of(test, iommu)));
    }

    private <T> Optional<T> value(Class<T> type) {
        return values.stream().filter(type::isInstance).map(type::cast).findFirst();
    }

    /** What tells it from the scenario's other cases: {@code virtio-iommu,reset}. */
    String name() {
        return values.stream().map(Object::toString).collect(Collectors.joining(","));
    }

    @Override
    public String getDisplayName(int invocation) {
        return name();
    }

    /** Comes before any extension's callback, so that a guest can be started for this case. */
    @Override
    public void prepareInvocation(ExtensionContext context) {
        context.getStore(NAMESPACE).put(Case.class, this);
    }

    @Override
    public List<Extension> getAdditionalExtensions() {
        return List.of(this);
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return value(parameter.getParameter().getType()).isPresent();
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return value(parameter.getParameter().getType()).orElseThrow();
    }
}
