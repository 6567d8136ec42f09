// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.host.ProjectFiles;
import java.nio.file.Files;

/**
 * What {@code --kernel} names.
 *
 * @param target a file in kernel-config/targets
 * @param variant "" for none
 */
public record KernelName(String target, String variant) {
    /** What people call a target that is no variant. */
    public static final String NORMAL = "normal";

    /**
     * Reads {@code 7.3}, {@code 7.3-debug}, or {@code debug} for a variant of the default target.
     */
    public static KernelName parse(String text) {
        int dash = text.lastIndexOf('-');
        if (isTarget(text)) {
            return new KernelName(text, "");
        } else if (dash > 0 && isTarget(text.substring(0, dash))) {
            return new KernelName(text.substring(0, dash), text.substring(dash + 1));
        }
        return new KernelName(LabOptions.DEFAULT.kernel(), text);
    }

    /**
     * The same target as another variant.
     *
     * @param other its name, or {@link #NORMAL}
     */
    public KernelName withVariant(String other) {
        return new KernelName(target, other.equals(NORMAL) ? "" : other);
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        return variant.isEmpty() ? target : target + "-" + variant;
    }

    private static boolean isTarget(String name) {
        return Files.exists(
                ProjectFiles.locate().kernelConfig().resolve("targets/" + name + ".json"));
    }
}
