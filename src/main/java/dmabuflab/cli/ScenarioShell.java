// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.guest.Guest;
import dmabuflab.guest.GuestShell;
import dmabuflab.guest.PluggedDevice;
import dmabuflab.report.RunResult;
import dmabuflab.report.ScenarioResult;
import dmabuflab.report.Summary;
import dmabuflab.scenario.IommuModel;
import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.ScenarioRunner;
import dmabuflab.scenario.Selection;
import dmabuflab.scenario.Stop;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Runs a scenario, and has a shell in its guest where it fails, or before one of its operations.
 */
final class ScenarioShell implements Stop.Visitor {
    /** What a kernel has to say when it crashes is far longer than a terminal. */
    private static final int SHOWN_LINES = 20;

    /** What a shell exits with, whose person wants the scenario to do its next operation. */
    private static final int NEXT = 100;

    private static final String HINT =
            "\nnext: the scenario performs it, and stops before the one after. exit: that was all.";

    private final ShellSession session;
    private final PrintWriter out;
    private Optional<Integer> status = Optional.empty();
    private boolean visited;
    private GuestShell shell;
    private String hint = "";

    ScenarioShell(ShellSession session) {
        this.session = session;
        this.out = session.command().getOut();
    }

    /**
     * @param before number of an operation, empty for where it fails
     * @return what to exit with: the scenario's verdict, or of the shell if that ended it before
     */
    int run(LabOptions options, Selection selection, Optional<Long> before) {
        hint = before.isPresent() ? HINT : "";
        RunResult result =
                ScenarioRunner.run(options, selection, new Stop(before, this), this::tell);
        out.println();
        out.print(Summary.of(result, Summary.terminalHasColours()));
        out.flush();
        if (visited && before.isPresent()) {
            // It may have come to its end operation by operation.
            return status.filter(each -> each != NEXT).orElse(0);
        } else if (!visited) {
            out.println(reason(result, before));
            out.flush();
        }
        return result.exitStatus();
    }

    private static String reason(RunResult result, Optional<Long> before) {
        boolean red = result.scenarios().stream().anyMatch(each -> each.outcome().isRed());
        if (before.isPresent()) {
            return "no shell: the scenario has ended before operation " + before.get();
        }
        return red
                ? "no shell: its guest has ended before; its report has what is left of it"
                : "no shell, as nothing has failed: "
                        + String.join(
                                ", ",
                                result.scenarios().stream().map(ScenarioShell::verdict).toList());
    }

    private static String verdict(ScenarioResult scenario) {
        return scenario.id() + " " + scenario.outcome().label();
    }

    private void tell(String line) {
        out.println(line);
        out.flush();
    }

    @Override
    public boolean visit(
            Guest guest, IommuModel iommu, Map<String, PluggedDevice> plugged, String why) {
        visited = true;
        Map<PluggedDevice, String> devices = new LinkedHashMap<>();
        plugged.forEach(
                (device, where) -> devices.put(where, ShellSession.describe(device, where)));
        List<String> lines = why.lines().toList();
        String title = String.join("\n", lines.subList(0, Math.min(lines.size(), SHOWN_LINES)));
        if (shell == null) {
            shell = session.open(guest);
        }
        status = session.in(shell, Optional.of(iommu), title + hint, devices);
        return status.equals(Optional.of(NEXT));
    }
}
