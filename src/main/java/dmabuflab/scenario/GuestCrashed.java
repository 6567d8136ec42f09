// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.witness.ConsoleFinding;
import java.util.List;
import java.util.stream.Collectors;

/** The kernel under test reported a defect of its own on the console. */
public final class GuestCrashed extends RuntimeException {
    private static final long serialVersionUID = 1;

    GuestCrashed(List<ConsoleFinding> findings) {
        super(
                findings.stream()
                        .map(f -> f + "\n" + String.join("\n", f.excerpt()))
                        .collect(Collectors.joining("\n\n")));
    }
}
