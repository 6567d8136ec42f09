// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A kernel that somebody wants.
 *
 * @param target a file in kernel-config/targets: configuration, and unless {@code tree} says
 *     otherwise the source and its series
 * @param variant empty, or for example {@code debug}
 * @param tree a commit of the user's own, in place of the target's source and series
 * @param patches to apply on top of that, in this order
 * @param fragments Kconfig fragments after the target's own, absolute paths
 */
public record KernelRequest(
        String target,
        String variant,
        Optional<SourceTree> tree,
        List<Path> patches,
        List<Path> fragments) {

    /** A target as it is. */
    public static KernelRequest of(String target, String variant) {
        return new KernelRequest(target, variant, Optional.empty(), List.of(), List.of());
    }

    /** The same with these patches instead. */
    public KernelRequest withPatches(List<Path> others) {
        return new KernelRequest(target, variant, tree, others, fragments);
    }
}
