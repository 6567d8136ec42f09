// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Makes an annotation a parameter of scenarios. The annotation goes on methods, instead of
 * {@code @Test}, and has one element, {@code value()}: an array of an enum, empty by default, which
 * means all of its constants. The scenario then runs once for each of them, or, with several such
 * annotations, once for each combination; it may take a parameter of the enum's type.
 *
 * <p>A case is named by its constants' {@code toString()}, in the order of the annotations' names:
 * {@code Class.method[virtio-iommu,reset]}.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.ANNOTATION_TYPE)
@TestTemplate
@ExtendWith(Cases.class)
public @interface Each {}
