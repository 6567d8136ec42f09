// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.host.Cache;
import dmabuflab.host.ProjectFiles;
import dmabuflab.kernel.Kernels;
import dmabuflab.qemu.QemuBinary;
import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.ScenarioRunner;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/**
 * Uses what other commands use, and does nothing. {@code lab} runs it once after each build with
 * the JVM's recorder on: the classes loaded here come from an archive later, which is faster.
 */
@Command(name = "rehearse", hidden = true)
final class RehearseCommand implements Callable<Integer> {
    @Override
    public Integer call() throws JsonProcessingException {
        Kernels kernels = Kernels.of(ProjectFiles.locate(), Cache.locate());
        ObjectMapper json = new ObjectMapper();
        List<Object> unused =
                List.of(
                        ScenarioRunner.list(),
                        kernels.variants(LabOptions.DEFAULT.request().target()),
                        QemuBinary.find(),
                        json.readTree(json.createObjectNode().put("a", "b").toString()),
                        json.valueToTree(Map.of("a", 1)));
        return 0;
    }
}
