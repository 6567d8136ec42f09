// SPDX-License-Identifier: Apache-2.0
package dmabuflab.tour;

import java.util.List;

/** A part of the story. Each goes on with what those before it have left in the guest. */
interface Chapter {
    String title();

    /** What has scenarios of the same subject, as {@code ./lab run} takes it. */
    List<String> selectors();

    /** Explains it, does it, and checks that it is as explained. */
    void tell(Desk desk, Narrator narrator);
}
