// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContextProvider;

/** Cases that no annotation lists: only a run knows them, and there may be none. */
abstract class CasesFoundLate implements TestTemplateInvocationContextProvider {
    abstract Stream<Case> cases(ExtensionContext context);

    @Override
    public final boolean supportsTestTemplate(ExtensionContext context) {
        return true;
    }

    @Override
    public final boolean mayReturnZeroTestTemplateInvocationContexts(ExtensionContext context) {
        return true;
    }

    @Override
    public final Stream<TestTemplateInvocationContext> provideTestTemplateInvocationContexts(
            ExtensionContext context) {
        return Cases.selected(cases(context), context);
    }
}
