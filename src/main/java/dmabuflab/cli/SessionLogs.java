// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.Command;
import dmabuflab.host.Scratch;
import java.nio.file.Path;

/**
 * A directory for the logs of a guest that is there for a person. Whatever ends this process,
 * nothing of it stays behind, unless somebody was told of it.
 */
final class SessionLogs {
    private final Scratch directory;
    private volatile boolean kept;
    private volatile boolean ending;

    /**
     * @param what a word of the directory's name
     */
    SessionLogs(String what) {
        directory = Scratch.create(what);
        Command.beforeTheEnd(this::end);
    }

    Path path() {
        return directory.path();
    }

    /** Leaves it behind. */
    void keep() {
        kept = true;
    }

    /** Whether this process is on its way out. */
    boolean ending() {
        return ending;
    }

    private void end() {
        ending = true;
        if (!kept) {
            directory.close();
        }
    }
}
