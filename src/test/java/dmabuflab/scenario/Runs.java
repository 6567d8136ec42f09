// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dmabuflab.report.RunResult;
import java.nio.file.Path;
import java.util.Map;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Runs scenario classes of a test the way the lab runs its own. */
final class Runs {
    private Runs() {}

    static RunResult run(Path report, Map<String, String> parameters, Class<?> scenarios) {
        ReportingListener listener = new ReportingListener(line -> {});
        LauncherFactory.create(
                        LauncherConfig.builder()
                                .enableTestExecutionListenerAutoRegistration(false)
                                .build())
                .execute(
                        LauncherDiscoveryRequestBuilder.request()
                                .selectors(selectClass(scenarios))
                                .configurationParameters(parameters)
                                .configurationParameter("dmabuflab.report", report.toString())
                                .build(),
                        listener);
        return listener.result();
    }
}
