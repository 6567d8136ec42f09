// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dmabuflab.host.Cache;
import dmabuflab.host.ProjectFiles;
import dmabuflab.kernel.Kernels;
import dmabuflab.qemu.QemuBinary;
import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.ScenarioRunner;
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
        String target = LabOptions.DEFAULT.request().target();
        int used = ScenarioRunner.list().size();
        used += Kernels.of(ProjectFiles.locate(), Cache.locate()).variants(target).size();
        used += QemuBinary.find().version().length();
        ObjectMapper mapper = new ObjectMapper();
        String json = JsonNodeFactory.instance.objectNode().put("list", "" + used).toString();
        used += mapper.readTree(json).required("list").asText().length();
        used += mapper.valueToTree(Map.of("list", used)).size();
        return used > 0 ? 0 : 1;
    }
}
