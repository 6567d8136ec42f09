// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

@Command(
        name = "monitor",
        description = {
            "`lab shell --monitor`, in a tmux of its own: the guest's shell, and beside it",
            "what the guest looks like from outside: the BARs that QEMU decodes, what devices",
            "reach through the IOMMU, the last fault, the end of QEMU's trace.",
            "What is new is marked +, what has gone -, what differs ~, and when that was.",
            "Takes the options of `lab shell`: --iommu MODEL, --gdb, --scenario NAME, ...",
            "It only reads, and the guest does not notice: nested page tables are not shown,",
            "as only the guest's kernel could tell where they are."
        },
        mixinStandardHelpOptions = true)
final class MonitorCommand implements Callable<Integer> {
    @Spec CommandSpec spec;

    @Unmatched List<String> options = new ArrayList<>();

    @Override
    public Integer call() {
        String[] words =
                Stream.concat(Stream.of("shell", "--monitor"), options.stream())
                        .toArray(String[]::new);
        return spec.parent().commandLine().execute(words);
    }
}
