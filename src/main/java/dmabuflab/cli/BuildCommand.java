// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.Cache;
import dmabuflab.host.ProjectFiles;
import dmabuflab.kernel.KernelImage;
import dmabuflab.kernel.Kernels;
import dmabuflab.scenario.KernelName;
import dmabuflab.scenario.LabOptions;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "build",
        description = "Gets the source, applies the series and builds the kernel, if needed.",
        mixinStandardHelpOptions = true)
final class BuildCommand implements Callable<Integer> {
    @Spec CommandSpec spec;

    @Option(
            names = "--kernel",
            paramLabel = "TARGET[-VARIANT]",
            description = "kernel target or variant, as in 7.3, 7.3-debug, debug (default: 7.3)")
    String kernel = LabOptions.DEFAULT.kernel();

    @Option(names = "--mutant", paramLabel = "PATCH", description = "one more patch on the series")
    Path mutant;

    @Override
    public Integer call() {
        Kernels kernels = Kernels.of(ProjectFiles.locate(), Cache.locate());
        KernelName name = KernelName.parse(kernel);
        KernelImage image =
                mutant == null
                        ? kernels.obtain(name.target(), name.variant())
                        : kernels.obtainMutant(name.target(), name.variant(), mutant);
        PrintWriter out = spec.commandLine().getOut();
        out.printf("kernel %s %s%n%s%n", image.release(), image.key(), image.directory());
        out.flush();
        return 0;
    }
}
