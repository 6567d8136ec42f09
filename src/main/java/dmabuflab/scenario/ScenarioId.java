// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.util.Optional;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestIdentifier;

/**
 * A scenario's name, the same on the command line, in every report and as a directory.
 *
 * @param className without its package
 * @param method the scenario
 * @param parameter which case of a parameterized scenario, "" for others
 */
public record ScenarioId(String className, String method, String parameter) {
    private static final String INVOCATION = "[test-template-invocation:";

    static ScenarioId of(ExtensionContext context) {
        return of(
                context.getRequiredTestClass().getName(),
                context.getRequiredTestMethod().getName(),
                context.getUniqueId(),
                context.getDisplayName());
    }

    /** The scenario a JUnit identifier stands for, empty for classes and other containers. */
    static Optional<ScenarioId> of(TestIdentifier test) {
        if (!test.isTest() || !(test.getSource().orElse(null) instanceof MethodSource source)) {
            return Optional.empty();
        }
        return Optional.of(
                of(
                        source.getClassName(),
                        source.getMethodName(),
                        test.getUniqueId(),
                        test.getDisplayName()));
    }

    private static ScenarioId of(
            String className, String method, String uniqueId, String displayName) {
        boolean invocation = uniqueId.contains(INVOCATION);
        return new ScenarioId(
                className.substring(className.lastIndexOf('.') + 1),
                method,
                invocation ? displayName : "");
    }

    @Override
    public String toString() {
        return className + "." + method + (parameter.isEmpty() ? "" : "[" + parameter + "]");
    }
}
