// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Runs once for each selftest that was built of the kernel's source and is not named here. The
 * scenario takes a {@link SelftestProgram}.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@TestTemplate
@ExtendWith(EachSelftestBut.Others.class)
public @interface EachSelftestBut {
    /** As {@code suite/program}. */
    String[] value();

    /** Those that this source has more. */
    final class Others extends CasesFoundLate {
        @Override
        Stream<Case> cases(ExtensionContext context) {
            String[] named =
                    context.getRequiredTestMethod().getAnnotation(EachSelftestBut.class).value();
            Lab lab = Lab.of(LabOptions.from(context::getConfigurationParameter));
            return SelftestProgram.in(lab.selftests())
                    .filter(each -> !Set.of(named).contains(each.toString()))
                    .map(each -> new Case(List.of(each)));
        }
    }
}
