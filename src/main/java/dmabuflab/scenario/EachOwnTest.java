// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.stream.Stream;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Runs once for each C test that the user gave, on each IOMMU it asks for; else not at all. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@TestTemplate
@ExtendWith(EachOwnTest.Given.class)
public @interface EachOwnTest {

    /** Those that the options name. */
    final class Given extends CasesFoundLate {
        @Override
        Stream<Case> cases(ExtensionContext context) {
            return LabOptions.from(context::getConfigurationParameter).tests().stream()
                    .map(OwnTest::read)
                    .flatMap(Case::each);
        }
    }
}
