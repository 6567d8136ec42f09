// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.cli.RegistrationSamples.Cost;
import dmabuflab.cli.RegistrationSamples.Round;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchReportTest {
    private final BenchReport report = new BenchReport(Map.of("kernel", "7.3"));

    private static JsonNode json(Path directory) throws Exception {
        return new ObjectMapper().readTree(directory.resolve("bench.json").toFile());
    }

    @Test
    void figuresAreThereForPrograms(@TempDir Path directory) throws Exception {
        Samples builds = new Samples("build");
        builds.add(3);
        builds.add(1);
        builds.add(2);
        report.add(BenchCommand.Part.BUILD, List.of(builds));

        report.write(directory);

        assertThat(json(directory).at("/environment/kernel").asText()).isEqualTo("7.3");
        JsonNode figure = json(directory).at("/figures/0");
        assertThat(figure.path("part").asText()).isEqualTo("build");
        assertThat(figure.path("what").asText()).isEqualTo("build");
        assertThat(figure.path("unit").asText()).isEqualTo("s");
        assertThat(figure.path("median").asDouble()).isEqualTo(2);
        assertThat(figure.path("samples")).hasSize(3);
        assertThat(directory.resolve("registration.svg")).doesNotExist();
    }

    @Test
    void memoryIsPlotted(@TempDir Path directory) throws Exception {
        RegistrationSamples samples = new RegistrationSamples("RAM", "", 1 << 30);
        samples.add(round(100), round(300));
        report.add(samples);

        report.write(directory);

        assertThat(json(directory).at("/figures/0/of").asText()).isEqualTo("RAM");
        assertThat(directory.resolve("registration.svg"))
                .content()
                .contains("RAM, by PFN", ">100<", ">300<");
        assertThat(directory.resolve("bench.html"))
                .content()
                .contains("<svg", "<h2>registration</h2>", "RAM, by PFN", "<td>RAM<td>100.00 KiB")
                .doesNotContain("<h2>build</h2>");
    }

    private static Round round(double kib) {
        return new Round(new Cost(0, 0, 1, 1), new Cost(kib * 1024, 0, 1, 1));
    }
}
