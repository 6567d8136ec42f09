// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.Progress;
import java.util.Optional;
import java.util.function.Consumer;

/** Shows how many scenarios of a run have a verdict, from the first one on. */
final class VerdictCount implements Consumer<String>, AutoCloseable {
    private final String task;
    private Progress progress;
    private long verdicts;

    VerdictCount(String task) {
        this.task = task;
    }

    /** Takes a verdict; what is built before there are any shows its progress itself. */
    @Override
    public synchronized void accept(String verdict) {
        if (progress == null) {
            progress = Progress.begin(task, Optional.empty());
            progress.phase("scenarios");
        }
        progress.step(++verdicts, 0);
    }

    @Override
    public synchronized void close() {
        if (progress != null) {
            progress.close();
        }
    }
}
