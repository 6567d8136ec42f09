// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dmabuflab.report.BarChart;
import dmabuflab.report.ReportDirectory;
import dmabuflab.report.ReportWriters;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a bench leaves for programs and for papers: bench.json with all figures, and a plot of what
 * registering memory takes. Not results.json, which is that of a run of scenarios.
 */
final class BenchReport {
    private static final ObjectMapper MAPPER =
            new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final Map<String, Object> environment;
    private final List<Map<String, Object>> figures = new ArrayList<>();
    private final List<BarChart.Group> groups = new ArrayList<>();

    /**
     * @param environment what it was measured on
     */
    BenchReport(Map<String, Object> environment) {
        this.environment = environment;
    }

    void add(BenchCommand.Part part, Collection<Samples> samples) {
        add(part, "", samples);
    }

    void add(RegistrationSamples samples) {
        add(BenchCommand.Part.REGISTRATION, samples.kind(), samples.all());
        Map<String, Double> bars = new LinkedHashMap<>();
        bars.put("by PFN", samples.kernelMemoryByPfn());
        bars.put("by scatterlist", samples.kernelMemoryByScatterlist());
        groups.add(new BarChart.Group(samples.kind(), bars));
    }

    private void add(BenchCommand.Part part, String of, Collection<Samples> samples) {
        for (Samples each : samples) {
            Map<String, Object> figure = new LinkedHashMap<>();
            figure.put("part", part.toString());
            figure.put("of", of);
            figure.putAll(each.json());
            figures.add(figure);
        }
    }

    void write(Path directory) {
        Path root = ReportDirectory.at(directory).root();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("format", 1);
        json.put("environment", environment);
        json.put("figures", figures);
        try {
            ReportWriters.replace(
                    root.resolve("bench.json"), MAPPER.writeValueAsString(json) + "\n");
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of strings and numbers is always JSON", e);
        }
        if (!groups.isEmpty()) {
            BarChart chart =
                    new BarChart("KiB of kernel memory for a GiB that is registered", groups);
            ReportWriters.replace(root.resolve("registration.svg"), chart.svg());
        }
    }
}
