// SPDX-License-Identifier: Apache-2.0
package dmabuflab;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import org.apache.commons.exec.DefaultExecutor;
import org.junit.jupiter.api.Test;

/** Dependencies point one way: down this list. */
class ArchitectureTest {
    private static final JavaClasses CLASSES =
            new ClassFileImporter()
                    .withImportOption(new DoNotIncludeTests())
                    .importPackages("dmabuflab");

    @Test
    void layers() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("cli")
                .definedBy("dmabuflab.cli")
                .layer("scenarios")
                .definedBy("dmabuflab.scenarios")
                .layer("tour")
                .definedBy("dmabuflab.tour")
                .layer("validate")
                .definedBy("dmabuflab.validate")
                .layer("scenario")
                .definedBy("dmabuflab.scenario")
                .layer("timeline")
                .definedBy("dmabuflab.timeline")
                .layer("report")
                .definedBy("dmabuflab.report")
                .layer("guest")
                .definedBy("dmabuflab.guest")
                .layer("witness")
                .definedBy("dmabuflab.witness")
                .layer("kernel")
                .definedBy("dmabuflab.kernel")
                .layer("qemu")
                .definedBy("dmabuflab.qemu")
                .layer("container")
                .definedBy("dmabuflab.container")
                .layer("host")
                .definedBy("dmabuflab.host")
                .whereLayer("cli")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("scenarios")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("tour")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("validate")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("scenario")
                .mayOnlyBeAccessedByLayers("cli", "tour", "scenarios", "validate")
                .whereLayer("timeline")
                .mayOnlyBeAccessedByLayers("scenario")
                .whereLayer("report")
                .mayOnlyBeAccessedByLayers("cli", "tour", "validate", "scenario", "timeline")
                .whereLayer("guest")
                .mayOnlyBeAccessedByLayers("cli", "tour", "scenarios", "scenario", "timeline")
                .whereLayer("witness")
                .mayOnlyBeAccessedByLayers("tour", "scenarios", "scenario", "timeline")
                .whereLayer("container")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("kernel")
                .mayOnlyBeAccessedByLayers("cli", "validate", "scenario", "guest")
                .whereLayer("qemu")
                .mayOnlyBeAccessedByLayers("cli", "scenario", "timeline", "guest")
                .check(CLASSES);
    }

    @Test
    void processes() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dmabuflab.host")
                .should()
                .dependOnClassesThat()
                .areAssignableTo(DefaultExecutor.class)
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(ProcessBuilder.class)
                .because("every process is started by dmabuflab.host, which also ends it")
                .check(CLASSES);
    }
}
