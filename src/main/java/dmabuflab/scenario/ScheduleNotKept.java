// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.Pin;
import dmabuflab.host.InfrastructureException;

/**
 * The guest's CPUs did not pass the points of a schedule in its order. Some of them may have stood
 * still for long, so nothing that the scenario came to is a verdict.
 */
final class ScheduleNotKept extends InfrastructureException {
    private static final long serialVersionUID = 1L;

    /**
     * @param why as {@link Pin#end} says
     */
    ScheduleNotKept(String why) {
        super(
                "the guest's CPUs were not held to the schedule",
                why,
                "see " + Pin.LOG + ": does the scenario come to these points, on two CPUs?");
    }
}
