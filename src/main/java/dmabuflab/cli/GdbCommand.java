// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

@Command(
        name = "gdb",
        description = {
            "`lab shell --gdb`, in a tmux of its own: the guest's shell and gdb side by side, with",
            "a kernel that has debug information (`--kernel gdb`, unless another is named).",
            "Takes the options of `lab shell`: --at-boot, --scenario NAME --until STEP, ...",
            "gdb runs Python of the kernel's source: that of a series is its author's code."
        },
        mixinStandardHelpOptions = true)
final class GdbCommand implements Callable<Integer> {
    @Spec CommandSpec spec;

    @Unmatched List<String> options = new ArrayList<>();

    @Override
    public Integer call() {
        List<String> words = new ArrayList<>(List.of("shell", "--gdb"));
        if (options.stream().noneMatch(word -> word.matches("--kernel(=.*)?"))) {
            words.addAll(List.of("--kernel", "gdb"));
        }
        words.addAll(options);
        CommandLine lab = spec.parent().commandLine();
        return lab.execute(words.toArray(String[]::new));
    }
}
