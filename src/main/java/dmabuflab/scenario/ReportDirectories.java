// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.host.ProjectFiles;
import dmabuflab.report.ReportDirectory;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** One report directory per set of options, whoever of extension and listener asks first. */
final class ReportDirectories {
    private static final Map<LabOptions, ReportDirectory> DIRECTORIES = new ConcurrentHashMap<>();

    private ReportDirectories() {}

    static ReportDirectory forRun(LabOptions options) {
        return DIRECTORIES.computeIfAbsent(
                options,
                o ->
                        o.report().isPresent()
                                ? ReportDirectory.at(o.report().get())
                                : ReportDirectory.dated(
                                        ProjectFiles.locate().root().resolve("reports")));
    }
}
