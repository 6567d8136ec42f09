// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A run as rows for KCIDB: the kernel it was made on, and a test for each scenario. */
final class KcidbRun {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private KcidbRun() {}

    static String of(RunResult run) {
        Kcidb rows = new Kcidb(run.started() + " " + run.environment() + " " + run.directory());
        // "7.3.4 0123abcd", missing when the lab could not be set up.
        String[] kernel = run.environment().getOrDefault("kernel", " none").split(" ", -1);
        String id = Kcidb.id(kernel[kernel.length - 1]);
        if (run.environment().containsKey("kernel")) {
            kernel(rows, id, run);
        }
        run.scenarios().forEach(each -> test(rows, id, each, run));
        return rows.text();
    }

    private static void kernel(Kcidb rows, String id, RunResult run) {
        JsonNode manifest = manifest(run.environment().get("kernel manifest"));
        ObjectNode checkout =
                rows.checkout(
                        id,
                        "Linux "
                                + run.environment().get("kernel").split(" ", -1)[0]
                                + ", "
                                + manifest.path("source").asText("source not known"),
                        true);
        ObjectNode build = rows.build(id, true);
        if (manifest.isMissingNode()) {
            return;
        }
        checkout.put("patchset_hash", patchset(manifest.path("patches")));
        ArrayNode patches = checkout.putObject("misc").putArray("patches");
        manifest.path("patches").forEach(patch -> patches.add(patch.path("subject").asText()));
        String variant = manifest.path("variant").asText();
        build.put(
                "config_name",
                manifest.path("target").asText() + (variant.isEmpty() ? "" : "-" + variant));
        build.put("compiler", manifest.path("compiler").asText());
        build.put("duration", manifest.path("buildSeconds").asDouble());
        build.putObject("misc").put("config_sha256", manifest.path("configSha256").asText());
    }

    /** Missing when the cache has been emptied since. */
    private static JsonNode manifest(String file) {
        if (file == null || !Files.exists(Path.of(file))) {
            return MAPPER.missingNode();
        }
        try {
            return MAPPER.readTree(Path.of(file).toFile());
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot read how the kernel was made",
                    file + ": " + e.getMessage(),
                    "delete its directory, it will be built again",
                    e);
        }
    }

    /** A hash of the patches' hashes, a line each, as KCIDB wants it; "" without patches. */
    private static String patchset(JsonNode patches) {
        if (patches.isEmpty()) {
            return "";
        }
        StringBuilder lines = new StringBuilder();
        patches.forEach(patch -> lines.append(patch.path("sha256").asText()).append('\n'));
        return Sha256.of(lines.toString());
    }

    private static void test(Kcidb rows, String kernel, ScenarioResult each, RunResult run) {
        ObjectNode test = rows.test(rows.own(each.id()), kernel, each.id(), each.outcome());
        boolean neverStarted = each.boot().isEmpty() && !each.isPart();
        if (each.outcome() == Outcome.INFRASTRUCTURE && neverStarted) {
            test.put("status", "MISS");
        }
        test.put("comment", each.title());
        test.put("start_time", each.started().toString());
        test.put("duration", each.duration().toMillis() / 1000.0);
        if (!each.message().isEmpty()) {
            test.put("log_excerpt", Kcidb.excerpt(each.message()));
        }
        ObjectNode environment = test.putObject("environment");
        environment.put("comment", run.environment().getOrDefault("qemu", "no guest"));
        environment
                .putObject("misc")
                .put("accelerator", run.environment().getOrDefault("accelerator", "none"));
        ObjectNode misc = test.putObject("misc");
        misc.put("outcome", each.outcome().label());
        ArrayNode rules = misc.putArray("rules");
        each.rules().forEach(rules::add);
        misc.put("boot", each.boot());
        misc.put("rerun", each.rerun());
    }
}
