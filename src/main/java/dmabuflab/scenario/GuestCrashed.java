// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.Taint;
import dmabuflab.witness.ConsoleFinding;
import java.util.List;
import java.util.stream.Collectors;

/** The kernel under test reported a defect of its own. */
public final class GuestCrashed extends RuntimeException {
    private static final long serialVersionUID = 1;

    GuestCrashed(List<ConsoleFinding> findings) {
        super(
                findings.stream()
                        .map(f -> f + "\n" + String.join("\n", f.excerpt()))
                        .collect(Collectors.joining("\n\n")));
    }

    /** One whose report was not found on the console. */
    GuestCrashed(Taint taint) {
        super(
                "the kernel is tainted by "
                        + String.join(" and ", taint.complaints())
                        + ", of which no report was found on its console; look into console.log");
    }
}
