// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.Cache;
import dmabuflab.host.ProjectFiles;
import dmabuflab.kernel.KernelImage;
import dmabuflab.kernel.Kernels;
import dmabuflab.scenario.LabOptions;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "build",
        description = "Gets the source, applies the series and builds the kernel, if needed.",
        mixinStandardHelpOptions = true)
final class BuildCommand implements Callable<Integer> {
    @Spec CommandSpec spec;

    @Mixin Place place;

    @Option(
            names = "--kernel",
            paramLabel = "TARGET[-VARIANT]",
            description = "kernel target or variant, as in 7.3, 7.3-debug, debug (default: 7.3)")
    String kernel = LabOptions.DEFAULT.kernel();

    @Mixin SourceFlags source;

    @Override
    public Integer call() {
        Kernels kernels = Kernels.of(ProjectFiles.locate(), Cache.locate());
        KernelImage image =
                kernels.obtain(source.applyTo(LabOptions.DEFAULT.onKernel(kernel)).request());
        PrintWriter out = spec.commandLine().getOut();
        out.printf("kernel %s %s%n%s%n", image.release(), image.key(), image.directory());
        out.flush();
        return 0;
    }
}
