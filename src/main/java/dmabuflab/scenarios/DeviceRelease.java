// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Job;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Testbed;
import java.util.Map;

/** The end of a device's use. */
final class DeviceRelease {
    private DeviceRelease() {}

    /** Closes the device and takes its driver away: nothing keeps it, and nothing of it is left. */
    static void assertFree(Testbed bed, Exporter exporter) {
        exporter.vfio().close();
        Job unbind = Job.start(bed.agent(), "pci.unbind", Map.of("bdf", exporter.vfio().bdf()));
        assertThat(bed.complete(unbind)).matches(Answer::ok);
        assertThat(bed.leaks()).as("memory that kmemleak finds lost").isEmpty();
    }
}
