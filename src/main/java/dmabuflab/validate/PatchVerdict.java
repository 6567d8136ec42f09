// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import java.util.List;

/**
 * What is known of one patch, with all before it applied.
 *
 * @param style what checkpatch says, a line each
 * @param build why it does not compile, "" if it does
 * @param warnings of the compiler with {@code W=1} and of sparse, those that its parent does not
 *     have
 * @param notLookedAt how many objects depend on what it touches and were not compiled for that
 * @param notCompiled files it touches that this configuration does not compile
 * @param boot why a guest does not come up on it, "" if one does
 * @param sameCode whether it executes exactly what its parent does
 * @param key of its kernel, "" if there is none
 */
public record PatchVerdict(
        Patch patch,
        List<String> style,
        String build,
        List<String> warnings,
        int notLookedAt,
        List<String> notCompiled,
        String boot,
        boolean sameCode,
        String key) {

    /** A patch that does not compile. */
    static PatchVerdict unbuilt(Patch patch, List<String> style, String why) {
        return new PatchVerdict(patch, style, why, List.of(), 0, List.of(), "", false, "");
    }

    public boolean builds() {
        return build.isEmpty();
    }

    /** Whether scenarios can run on it. */
    public boolean runs() {
        return builds() && boot.isEmpty();
    }
}
