// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class DoctorCommandIT {
    /** Where guests run, nothing can be wrong that keeps them from running. */
    @Test
    void findsNothingWrongWithAMachineThatWorks() {
        LabRun doctor = LabRun.of(List.of("doctor"));
        assertThat(doctor.status()).as(doctor.said()).isZero();
        assertThat(doctor.said()).contains("all devices there", "is built", "replay");
    }
}
