// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import picocli.CommandLine;

/** A command of the lab that was run in this process: its exit status, and all that it said. */
record LabRun(int status, String said) {
    static LabRun of(List<String> words) {
        StringWriter text = new StringWriter();
        CommandLine lab = Main.commandLine();
        lab.setOut(new PrintWriter(text, true)).setErr(new PrintWriter(text, true));
        int status = lab.execute(words.toArray(String[]::new));
        return new LabRun(status, text.toString());
    }
}
