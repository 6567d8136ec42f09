// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class DoctorCommandIT {
    /** Where guests run, nothing can be wrong that keeps them from running. */
    @Test
    void findsNothingWrongWithAMachineThatWorks() {
        StringWriter text = new StringWriter();
        CommandLine lab = Main.commandLine();
        lab.setOut(new PrintWriter(text, true)).setErr(new PrintWriter(text, true));
        assertThat(lab.execute("doctor")).as(text.toString()).isZero();
        assertThat(text.toString()).contains("all devices there", "is built", "replay");
    }
}
