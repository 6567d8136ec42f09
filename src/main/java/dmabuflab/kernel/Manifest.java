// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.host.Sha256;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** What a kernel image was made of, where and how fast: {@code manifest.json} of its directory. */
record Manifest(
        String key,
        String target,
        String variant,
        String release,
        String source,
        List<Patch> patches,
        String configSha256,
        String compiler,
        double buildSeconds,
        Map<String, Object> machine) {

    /** One patch of the series. */
    record Patch(String file, String subject, String sha256) {}

    static List<Patch> patches(PatchSeries series) {
        return series.patches().stream()
                .map(
                        file ->
                                new Patch(
                                        file.getFileName().toString(),
                                        PatchSeries.subject(file),
                                        Sha256.of(file)))
                .toList();
    }

    static Map<String, Object> thisMachine() {
        return Map.of(
                "system", System.getProperty("os.name") + " " + System.getProperty("os.version"),
                "architecture", System.getProperty("os.arch"),
                "processors", Runtime.getRuntime().availableProcessors());
    }

    void write(Path file) throws IOException {
        new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(file.toFile(), this);
    }
}
