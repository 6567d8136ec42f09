// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

/**
 * Whether the series runs on another variant of the kernel. What scenarios say there is among the
 * others.
 *
 * @param variant its name, such as {@code debug}
 * @param build why the head does not compile there, "" if it does
 * @param boot why a guest does not come up on it, "" if one does
 * @param sameCode whether base and head execute the same there, so that no scenario had to run
 */
public record VariantVerdict(String variant, String build, String boot, boolean sameCode) {
    /** Whether scenarios can run on it. */
    public boolean runs() {
        return build.isEmpty() && boot.isEmpty();
    }
}
