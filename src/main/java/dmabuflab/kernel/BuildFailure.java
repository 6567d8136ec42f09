// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.InfrastructureException;

/** The compiler or the linker refused a kernel. The message has their first words. */
public final class BuildFailure extends InfrastructureException {
    private final String said;

    BuildFailure(String what, String said, String next) {
        super(what, said, next);
        this.said = said;
    }

    /** What make and the tools said, the first lines. */
    public String said() {
        return said;
    }
}
