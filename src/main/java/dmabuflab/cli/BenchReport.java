// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dmabuflab.cli.BenchCommand.Part;
import dmabuflab.host.Disk;
import dmabuflab.report.BarChart;
import dmabuflab.report.Page;
import dmabuflab.report.ReportWriters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a bench leaves in a directory: all figures in bench.json, for programs, and in bench.html,
 * for a browser, and a plot of some parts. There is a results.json of runs only.
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
        ReportWriters.replace(directory.resolve("bench.html"), page());
    }

    private String page() {
        Page page = new Page();
        page.append("<h1>What things cost</h1>\n<table class=facts>\n");
        environment.forEach(
                (name, what) -> page.line("<tr><th>%s<td><code>%s</code></tr>", name, what));
        page.append("</table>\n");
        for (Part part : Part.values()) {
            List<Map<String, Object>> measured =
                    figures.stream().filter(each -> each.get("part").equals(part + "")).toList();
            if (!measured.isEmpty()) {
                page.line("<h2>%s</h2>", part);
                if (charts.containsKey(part)) {
                    page.append(charts.get(part).svg());
                }
                table(page, measured);
            }
        }
        return page.html("What things cost");
    }

    private static void table(Page page, List<Map<String, Object>> measured) {
        page.append("<div class=wide><table>\n<tr><th>what<th>of<th>median<th>least<th>most<th>n");
        page.append("</tr>\n");
        for (Map<String, Object> each : measured) {
            page.line(
                    "<tr><td>%s<td>%s<td>%s %s<td>%s<td>%s<td>%s</tr>",
                    each.get("what"),
                    each.get("of"),
                    number(each.get("median")),
                    each.get("unit"),
                    number(each.get("min")),
                    number(each.get("max")),
                    ((double[]) each.get("samples")).length);
        }
        page.append("</table></div>\n");
    }

    private static String number(Object figure) {
        return String.format(Locale.ROOT, "%.2f", (Double) figure);
    }
}
