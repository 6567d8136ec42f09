// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dmabuflab.cli.BenchCommand.Part;
import dmabuflab.host.Disk;
import dmabuflab.report.BarChart;
import dmabuflab.report.ReportWriters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a bench leaves in a directory: all figures in bench.json, for programs, and a plot of some
 * parts. There is a results.json of runs only.
 */
final class BenchReport {
    private static final ObjectMapper MAPPER =
            new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final Map<String, String> environment;
    private final List<Map<String, Object>> figures = new ArrayList<>();
    private final Map<Part, BarChart> charts = new EnumMap<>(Part.class);

    /**
     * @param environment what it is measured on
     */
    BenchReport(Map<String, String> environment) {
        this.environment = new TreeMap<>(environment);
    }

    /** Makes the directory, so that nothing is measured in vain. */
    static void prepare(Path directory) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw Disk.failure("cannot create the report", directory, e);
        }
    }

    void add(Part part, Collection<Samples> samples) {
        add(part, "", samples);
    }

    void add(RegistrationSamples samples) {
        add(Part.REGISTRATION, samples.kind(), samples.all());
        Map<String, Double> bars = new LinkedHashMap<>();
        bars.put("by PFN", samples.kernelMemoryByPfn());
        bars.put("by scatterlist", samples.kernelMemoryByScatterlist());
        plot(
                Part.REGISTRATION,
                "KiB of kernel memory for a GiB that is registered (logarithmic)",
                new BarChart.Group(samples.kind(), bars));
    }

    /** Adds bars to the plot of a part. */
    void plot(Part part, String title, BarChart.Group group) {
        charts.computeIfAbsent(part, each -> new BarChart(title, new ArrayList<>()))
                .groups()
                .add(group);
    }

    /** Adds figures of one case, named in {@code of}. */
    void add(Part part, String of, Collection<Samples> samples) {
        for (Samples each : samples) {
            Map<String, Object> figure = new LinkedHashMap<>();
            figure.put("part", part.toString());
            figure.put("of", of);
            figure.putAll(each.json());
            figures.add(figure);
        }
    }

    void write(Path directory) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("format", 1);
        json.put("environment", environment);
        json.put("figures", figures);
        try {
            String text = MAPPER.writeValueAsString(json) + "\n";
            ReportWriters.replace(directory.resolve("bench.json"), text);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("strings and numbers are always JSON", e);
        }
        charts.forEach(
                (part, chart) ->
                        ReportWriters.replace(directory.resolve(part + ".svg"), chart.svg()));
    }
}
